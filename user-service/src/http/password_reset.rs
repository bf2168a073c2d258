//! A new password without the old one.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use shared::http::Body;
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use super::rate_limit::{limit_logins, limit_mails};
use super::views::{Accepted, accepted};
use crate::domain::password_reset::{RawReset, RawResetRequest};
use crate::handle::UserHandle;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(confirm_reset).service(request_reset);
}

/// Ask for a new password
///
/// If the address is somebody's, a mail to it brings a token, which voids the one before. The answer is the same for
/// nobody's, and for what is no address. 429 `rate_limited` for too many from one network; what is too many for one
/// address is not told.
#[utoipa::path(tag = "users", request_body = RawResetRequest,
    responses(
        (status = 202, description = "If somebody has the address, a mail is on its way", body = Accepted),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/password-resets", wrap = "from_fn(limit_mails)")]
async fn request_reset(
    body: Body<RawResetRequest>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    users.request_reset(body.0).await?;
    Ok(accepted())
}

/// Set a new password
///
/// By the token of a mail, once and within an hour; 422 `invalid_token` otherwise. Ends all sessions of the person.
/// 422 `validation_failed` for a password that is refused leaves the token as it was. A try counts as a
/// login.
#[utoipa::path(tag = "users", request_body = RawReset,
    responses(
        (status = 204, description = "The new password is in force"),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/password-resets/confirm", wrap = "from_fn(limit_logins)")]
async fn confirm_reset(body: Body<RawReset>, users: web::Data<UserHandle>) -> Result<HttpResponse, Problem> {
    users.reset_password(body.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
