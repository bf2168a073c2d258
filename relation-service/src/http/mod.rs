//! The wire: routes, and the types that clients see.

mod at_once;
mod audit;
mod blocks;
mod close_friends;
mod counts;
mod error;
mod explain;
mod export;
mod export_file;
mod fanout;
mod follows;
mod health;
mod idempotency;
mod import;
mod lists;
mod mutes;
mod notes;
mod overlaps;
mod relationship;
mod requests;
mod revision;
mod suggestions;
mod visibility;

use actix_web::App;
use shared::http::{LongBodies, Revisions, Security, complete};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

pub use revision::RevisionManners;

/// The paths that take files.
pub const LONG_BODIES: LongBodies = LongBodies(&["/v1/me/imports"]);

/// Everything that this service answers, once: the routes and their description.
pub fn routes(config: &mut ServiceConfig<'_>) {
    // In the order in which a path is looked for: what is asked most comes first.
    config
        .configure(relationship::routes)
        .configure(counts::routes)
        .configure(lists::routes)
        .configure(visibility::routes)
        .configure(follows::routes)
        .configure(requests::routes)
        .configure(blocks::routes)
        .configure(mutes::routes)
        .configure(close_friends::routes)
        .configure(notes::routes)
        .configure(overlaps::routes)
        .configure(suggestions::routes)
        .configure(explain::routes)
        .configure(export::routes)
        .configure(import::routes)
        .configure(export_file::routes)
        .configure(fanout::routes)
        .configure(audit::routes)
        .configure(health::routes)
        .service(shared::http::events)
        .service(shared::http::events_stream);
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Mutual relation-service",
        description = "Who follows, befriends and blocks whom. Ids are decimal strings. Errors are \
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
    complete(&mut spec, Revisions::Stated);
    spec
}
