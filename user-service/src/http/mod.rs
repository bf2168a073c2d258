//! The wire: routes, and the types that clients see.

mod account;
mod at_once;
mod audit_log;
mod authority;
mod caller;
mod email;
mod error;
mod etag;
mod export;
mod health;
mod idempotency;
mod me;
mod moderation;
mod password_reset;
mod rate_limit;
mod roster;
mod search;
mod services;
mod sessions;
mod step_up;
mod two_factor;
mod users;
mod views;

use actix_web::App;
use shared::http::{Revisions, Security, complete};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

pub use authority::RoleManners;
pub use rate_limit::RateLimits;

/// Everything that this service answers, once: the routes and their description.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        // Before the people by id, whose path would take it.
        .configure(search::routes)
        .configure(users::routes)
        .configure(sessions::routes)
        .configure(me::routes)
        .configure(account::routes)
        .configure(email::routes)
        .configure(password_reset::routes)
        .configure(export::routes)
        .configure(moderation::routes)
        .configure(roster::routes)
        .configure(audit_log::routes)
        .configure(step_up::routes)
        .configure(two_factor::routes)
        .configure(services::routes)
        .configure(health::routes)
        .service(shared::http::events)
        .service(shared::http::events_stream);
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Mutual user-service",
        description = "People: registration, sessions, profiles and privacy. Ids are decimal strings. Errors are \
            `application/problem+json` with a stable `code`.",
    ),
    components(schemas(shared::problem::ProblemBody)),
    modifiers(&Security),
)]
struct Description;

/// The OpenAPI description of this service.
pub fn openapi() -> OpenApi {
    let app = App::new().into_utoipa_app().openapi(Description::openapi());
    let mut spec = app.configure(routes).split_for_parts().1;
    complete(&mut spec, Revisions::Absent);
    spec
}
