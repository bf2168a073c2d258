//! The version of a record as an `ETag` (RFC 9110, 13), and requests that depend on it.

use actix_web::http::header::{ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use shared::http::{Told, send_json};
use utoipa::{IntoParams, IntoResponses};

/// How a route that may answer "you have this already" describes the question.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header; `if_changed` reads it")]
pub(super) struct IfNoneMatch {
    /// An `ETag` that is at hand.
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
}

/// And the answer.
#[derive(IntoResponses)]
#[response(status = 304, description = "It is still the version at hand")]
pub(super) struct NotModified;

/// Answers a record with its version.
pub(super) fn tagged(version: i64, body: &impl Serialize) -> HttpResponse {
    send_json(HttpResponse::Ok().insert_header(tag(version)), body)
}

/// As [`tagged`], but only that nothing has changed if the caller has this version already.
pub(super) fn if_changed(request: &HttpRequest, version: i64, body: &impl Serialize) -> HttpResponse {
    if versions(request, &IF_NONE_MATCH).is_some_and(|at_hand| at_hand.hold(version)) {
        return HttpResponse::NotModified().insert_header(tag(version)).finish();
    }
    tagged(version, body)
}

/// [`tagged`] as it is told at once.
pub(super) fn told(version: i64, body: &impl Serialize) -> Option<Told> {
    let (name, tag) = tag(version);
    Some(Told::new(body)?.with((name, HeaderValue::try_from(tag).ok()?)))
}

fn tag(version: i64) -> (HeaderName, String) {
    (ETAG, format!("\"{version}\""))
}

/// The versions that `If-Match` allows; `None` if any will do.
pub(super) fn if_match(request: &HttpRequest) -> Option<Vec<i64>> {
    match versions(request, &IF_MATCH) {
        Some(Versions::These(versions)) => Some(versions),
        Some(Versions::Any) | None => None,
    }
}

/// The versions that a header names.
enum Versions {
    /// `*`: whatever there is.
    Any,
    /// No others.
    These(Vec<i64>),
}

impl Versions {
    fn hold(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::These(versions) => versions.contains(&version),
        }
    }
}

/// What the header names, if it is there. A tag that is none of ours names no version. A weak tag counts as a strong
/// one: proxies that compress weaken ours.
fn versions(request: &HttpRequest, header: &HeaderName) -> Option<Versions> {
    let mut sent = request.headers().get_all(header).peekable();
    sent.peek()?;
    let texts: Vec<&str> = sent.map(|value| value.to_str().unwrap_or_default()).collect();
    let tags = || texts.iter().flat_map(|text| text.split(',')).map(str::trim);
    if tags().any(|tag| tag == "*") {
        return Some(Versions::Any);
    }
    let version = |tag: &str| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
    Some(Versions::These(tags().filter_map(|tag| version(tag.trim_start_matches("W/"))).collect()))
}
