//! Proving again who one is.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use serde::Serialize;
use shared::clock::Micros;
use shared::http::{Body, Viewer};
use shared::problem::{Problem, Refusals};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::rate_limit::limit_logins;
use crate::domain::password_change::RawProof;
use crate::handle::UserHandle;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(step_up);
}

/// What a session may do for a while.
#[derive(Debug, Serialize, ToSchema)]
struct SteppedUp {
    /// Until when what changes how I sign in is not answered 403 `step_up_required`.
    expires_at: Micros,
}

/// Prove again who I am
///
/// For 5 minutes (a setting), this session may change how I sign in; a login counts as well, a refresh does not. 403
/// `wrong_password` if the password is wrong. A try counts as a login.
#[utoipa::path(tag = "sessions", request_body = RawProof, security(("user" = [])),
    responses(
        (status = 200, description = "Until when", body = SteppedUp),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/me/step-up", wrap = "from_fn(limit_logins)")]
async fn step_up(
    viewer: Viewer,
    body: Body<RawProof>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let expires_at = users.step_up(viewer.id, viewer.session, body.0).await?;
    Ok(HttpResponse::Ok().json(SteppedUp { expires_at }))
}
