//! Errors on the wire: `application/problem+json` (RFC 9457), made in one place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Ref, RefOr};

use crate::db::StoreError;
use crate::rate_limit::RateLimit;
use crate::telemetry::current_request_id;

/// What a client should wait before it tries again, in seconds, when we cannot know better.
pub const RETRY_AFTER_SECS: u32 = 1;

/// One refused field of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's name.
    pub field: Cow<'static, str>,
    /// Stable and machine-readable.
    pub code: Cow<'static, str>,
    /// For people.
    pub detail: String,
}

/// An error as the client sees it. Nothing in it comes from a database or a backtrace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after_secs: Option<u32>,
    allow: Option<Box<str>>,
    oldest: Option<i64>,
    /// Of a limit that is used up, how many there may be.
    used_up: Option<u32>,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// `about:blank`: the `code` says what kind of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, for people.
    detail: Cow<'static, str>,
    /// Stable and machine-readable.
    code: &'static str,
    /// What to quote when asking for help.
    request_id: String,
    /// For bodies: all refused fields at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// For a feed that has moved on: the oldest event still kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<i64>,
}

/// Left in an answer that says "not now", so that it is counted by its reason: the code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotNow(pub &'static str);

impl Problem {
    /// A problem with a stable `code` and a `detail` for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let wait = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_secs: wait.then_some(RETRY_AFTER_SECS),
            allow: None,
            oldest: None,
            used_up: None,
        }
    }

    /// 429: there were `max` of these, and there may be more after `wait`.
    pub fn rate_limited(detail: impl Into<Cow<'static, str>>, max: u32, wait: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail).used_up(max, wait)
    }

    /// 400: the request cannot be parsed.
    pub fn malformed(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401.
    pub fn unauthenticated(detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// 403.
    pub fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404 for a path that does not exist.
    pub fn no_such_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path.")
    }

    /// 405, with the methods that the path has.
    pub fn method_not_allowed(allow: String) -> Self {
        let mut problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("This path only takes {allow}."),
        );
        problem.allow = Some(allow.into());
        problem
    }

    /// 410: the feed no longer keeps what was asked for; `oldest` is what it still has.
    pub fn events_expired(oldest: i64) -> Self {
        let detail = "These events are no longer kept: read the state afresh, then continue.";
        let mut problem = Self::new(StatusCode::GONE, "events_expired", detail);
        problem.oldest = Some(oldest);
        problem
    }

    /// 408: the body did not come in time.
    pub fn body_too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "The body did not come in time.")
    }

    /// 413.
    pub fn body_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "A body has at most 65,536 bytes.")
    }

    /// 422: the body was understood, and these fields are refused.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "validation_failed",
            "Some fields are refused; see errors.",
        );
        problem.errors = errors;
        problem
    }

    /// 503: work that cannot start in time.
    pub fn overloaded() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too much is waiting; try again shortly.")
    }

    /// 503: something that the answer needs is away.
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available right now; try again shortly.",
        )
    }

    /// 503: the service lacks something that it needs.
    pub fn not_ready(reason: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", reason)
    }

    /// 503: the revision that was asked for is not here yet.
    pub fn not_caught_up() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_caught_up", "That revision is not here yet.")
    }

    /// 500: our own fault.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.")
    }

    /// The same problem with another time to wait.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_secs = Some(seconds.max(1));
        self
    }

    /// The same problem, of a limit of `max` that is used up: when there is room again is when to try again.
    pub fn used_up(self, max: u32, wait: Duration) -> Self {
        let problem = self.retry_after(RateLimit { max, remaining: 0, resets_in: wait }.resets_in_secs());
        Self { used_up: Some(max), ..problem }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

/// The refusals that every route shares, for OpenAPI: which codes there are stands in `docs/api.md`.
#[derive(Debug, Clone, Copy)]
pub struct Refusals;

impl utoipa::IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let problem = |text: &str| {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
            ResponseBuilder::new().description(text).content("application/problem+json", content).build()
        };
        [("4XX", "Refused: the problem says why"), ("503", "Not now: try again after `Retry-After` seconds")]
            .map(|(status, text)| (status.to_owned(), RefOr::T(problem(text))))
            .into()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.code)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.content_type("application/problem+json");
        if let Some(seconds) = self.retry_after_secs {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_ref()));
        }
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.extensions_mut().insert(NotNow(self.code));
        }
        let mut response = response.json(ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            request_id: current_request_id(),
            errors: self.errors.clone(),
            oldest: self.oldest,
        });
        if let (Some(max), Some(secs)) = (self.used_up, self.retry_after_secs) {
            let resets_in = Duration::from_secs(secs.into());
            RateLimit { max, remaining: 0, resets_in }.tell(response.headers_mut());
        }
        response
    }
}

impl From<StoreError> for Problem {
    /// What went wrong goes to the log with the request's id; the client learns only what to do.
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Overloaded => Self::overloaded(),
            StoreError::Unavailable(_) | StoreError::TooLong(_) | StoreError::InUse(_) => {
                log::warn!("{error}");
                Self::unavailable()
            }
            StoreError::Refused(_) | StoreError::Unreadable(_) => {
                log::error!("{error}");
                Self::internal()
            }
        }
    }
}
