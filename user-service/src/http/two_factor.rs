//! The second factor.

use std::fmt;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use shared::clock::Micros;
use shared::http::{Body, Json, Viewer};
use shared::problem::{Problem, Refusals};
use shared::secret::Secret;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::idempotency::viewer_key;
use super::rate_limit::limit_logins;
use crate::handle::UserHandle;

/// Secrets are for nobody's cache.
const NO_STORE: (actix_web::http::header::HeaderName, &str) = (CACHE_CONTROL, "no-store");

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(two_factor).service(begin).service(confirm).service(replace_recovery_codes).service(end);
}

/// How my second factor stands.
#[derive(Debug, Serialize, ToSchema)]
struct TwoFactorView {
    /// Whether a login needs a code.
    enabled: bool,
    /// Of ten.
    recovery_codes_left: usize,
    /// Null if it is not enabled.
    since: Option<Micros>,
}

/// How my second factor stands
#[utoipa::path(tag = "two-factor", security(("user" = [])),
    responses((status = 200, description = "How it stands", body = TwoFactorView), Refusals))]
#[get("/v1/me/two-factor")]
async fn two_factor(viewer: Viewer, users: web::Data<UserHandle>) -> Result<Json<TwoFactorView>, Problem> {
    let state = users.two_factor(viewer.id).await?;
    Ok(Json(TwoFactorView {
        enabled: state.since.is_some(),
        recovery_codes_left: state.recovery_codes_left,
        since: state.since,
    }))
}

/// What an authenticator app needs.
#[derive(Serialize, ToSchema)]
struct NewTwoFactorView {
    /// In base32, for typing it in: SHA-1, six digits, 30 seconds.
    secret: String,
    /// For a picture that the app reads.
    otpauth_url: String,
}

/// Begin with a second factor
///
/// It is not in force until a first code confirms it, within 15 minutes; beginning again replaces the secret. With an
/// `Idempotency-Key`, the same request brings the same secret as long as it waits for that code. Needs a session that
/// has proved the password lately, else 403 `step_up_required`. 409 `two_factor_enabled` if there is one.
#[utoipa::path(tag = "two-factor", security(("user" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters",
        min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    responses(
        (status = 201, description = "The secret", body = NewTwoFactorView),
        (status = 409, description = "`two_factor_enabled`"),
        Refusals,
    ))]
#[post("/v1/me/two-factor")]
async fn begin(
    request: HttpRequest,
    viewer: Viewer,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let key = viewer_key(&request, viewer)?;
    let new = users.begin_two_factor(viewer.id, viewer.session, key).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(NewTwoFactorView {
        secret: new.secret.reveal().to_owned(),
        otpauth_url: new.otpauth_url.reveal().to_owned(),
    }))
}

/// A first code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmationBody {
    /// Six digits.
    #[schema(value_type = String)]
    code: Option<String>,
}

impl fmt::Debug for ConfirmationBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfirmationBody(***)")
    }
}

/// Ten codes, each for one use in place of the app's.
#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    /// Shown once.
    recovery_codes: Vec<String>,
}

fn recovery_codes_answer(codes: &[Secret]) -> HttpResponse {
    let recovery_codes = codes.iter().map(|code| code.reveal().to_owned()).collect();
    HttpResponse::Ok().insert_header(NO_STORE).json(RecoveryCodes { recovery_codes })
}

/// Confirm a second factor
///
/// From here on, a login and a step-up need a code; all my other sessions, which were opened without one, end. 403
/// `wrong_code` if the code is wrong, `step_up_required` as in beginning; 409 `two_factor_not_pending` if nothing waits
/// for a code, `two_factor_enabled` if it was confirmed. A try counts as a login.
#[utoipa::path(tag = "two-factor", request_body = ConfirmationBody, security(("user" = [])),
    responses(
        (status = 200, description = "The recovery codes", body = RecoveryCodes),
        (status = 409, description = "`two_factor_enabled`, `two_factor_not_pending`"),
        (status = 429, description = "`rate_limited`: too many wrong codes"),
        Refusals,
    ))]
#[post("/v1/me/two-factor/confirmation", wrap = "from_fn(limit_logins)")]
async fn confirm(
    viewer: Viewer,
    body: Body<ConfirmationBody>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let codes = users.confirm_two_factor(viewer.id, viewer.session, body.0.code).await?;
    Ok(recovery_codes_answer(&codes))
}

/// New recovery codes
///
/// The old ones are no good any more. 403 `step_up_required` as in beginning; 409 `two_factor_not_enabled` if there is
/// no second factor.
#[utoipa::path(tag = "two-factor", security(("user" = [])),
    responses(
        (status = 200, description = "The recovery codes", body = RecoveryCodes),
        (status = 409, description = "`two_factor_not_enabled`"),
        Refusals,
    ))]
#[post("/v1/me/two-factor/recovery-codes")]
async fn replace_recovery_codes(
    viewer: Viewer,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let codes = users.replace_recovery_codes(viewer.id, viewer.session).await?;
    Ok(recovery_codes_answer(&codes))
}

/// Give up the second factor
///
/// From here on, the password is enough; also if it was before. 403 `step_up_required` as in beginning.
#[utoipa::path(tag = "two-factor", security(("user" = [])),
    responses((status = 204, description = "There is no second factor"), Refusals))]
#[delete("/v1/me/two-factor")]
async fn end(viewer: Viewer, users: web::Data<UserHandle>) -> Result<HttpResponse, Problem> {
    users.end_two_factor(viewer.id, viewer.session).await?;
    Ok(HttpResponse::NoContent().finish())
}
