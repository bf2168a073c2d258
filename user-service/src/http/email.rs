//! One's e-mail address.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, put, web};
use shared::http::{Body, Viewer};
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use super::rate_limit::{limit_logins, limit_mails};
use super::views::{Accepted, accepted};
use crate::domain::email_change::{RawEmailChange, RawToken};
use crate::handle::UserHandle;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(change_email).service(ask_again).service(verify_email);
}

/// Change my e-mail address
///
/// A mail to the new address asks whether it is mine; until that is answered, for at most 24 hours, the old one stays.
/// The old one is told. My own address takes the wish back. Whether somebody has the address is not told; its holder
/// is. 403 `wrong_password` if the password is wrong, and `step_up_required` if it was left out and my session has not
/// proved me lately (see `POST /v1/me/step-up`); a try counts as a login. 429 `rate_limited` also for too many mails to my address.
#[utoipa::path(tag = "me", request_body = RawEmailChange, security(("user" = [])),
    responses(
        (status = 202, description = "A mail is on its way", body = Accepted),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[put("/v1/me/email", wrap = "from_fn(limit_logins)")]
async fn change_email(
    viewer: Viewer,
    body: Body<RawEmailChange>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    users.change_email(viewer.id, viewer.session, body.0).await?;
    Ok(accepted())
}

/// Send me the verification mail again
///
/// About the address that I want, or else about mine, if it is not verified yet. The token of the mail before is void.
/// 429 `rate_limited` for too many from my network, or to my address.
#[utoipa::path(tag = "me", security(("user" = [])),
    responses(
        (status = 202, description = "A mail is on its way, if there is one to send", body = Accepted),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/me/email-verification", wrap = "from_fn(limit_mails)")]
async fn ask_again(viewer: Viewer, users: web::Data<UserHandle>) -> Result<HttpResponse, Problem> {
    users.ask_again(viewer.id).await?;
    Ok(accepted())
}

/// Verify an e-mail address
///
/// By the token of a mail, once and within 24 hours; 422 `invalid_token` otherwise. It verifies the address in force,
/// or puts the new one in force, voids every token that was mailed to the old one, and ends every session but the one that
/// asked for it. A try counts as a login.
#[utoipa::path(tag = "users", request_body = RawToken,
    responses(
        (status = 204, description = "The address is verified"),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/email-verifications", wrap = "from_fn(limit_logins)")]
async fn verify_email(body: Body<RawToken>, users: web::Data<UserHandle>) -> Result<HttpResponse, Problem> {
    users.verify_email(body.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
