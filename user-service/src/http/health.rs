//! Whether this service can answer.

use actix_web::{HttpResponse, get, web};
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::handle::UserHandle;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(shared::http::livez).service(readyz);
}

/// Whether the service can answer
///
/// The database, the writer and the threads that hash passwords.
#[utoipa::path(tag = "health", responses((status = 200, description = "It can", body = String), Refusals))]
#[get("/readyz")]
async fn readyz(users: web::Data<UserHandle>) -> Result<HttpResponse, Problem> {
    match users.not_ready().await {
        None => Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready")),
        Some(reason) => Err(Problem::not_ready(reason)),
    }
}
