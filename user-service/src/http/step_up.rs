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
use crate::domain::step_up::RawStepUp;
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
/// `wrong_password` if the password is wrong; where I have two factors, `two_factor_required` without a code and
/// `wrong_code` for a wrong one. A try counts as a login.
#[utoipa::path(tag = "sessions", request_body = RawStepUp, security(("user" = [])),
    responses(
        (status = 200, description = "Until when", body = SteppedUp),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/me/step-up", wrap = "from_fn(limit_logins)")]
async fn step_up(
    viewer: Viewer,
    body: Body<RawStepUp>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let expires_at = users.step_up(viewer.id, viewer.session, body.0).await?;
    Ok(HttpResponse::Ok().json(SteppedUp { expires_at }))
}
