//! What other services ask: the keys, and facts about people.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, get, web};
use shared::facts::UserFactsPage;
use shared::http::{ServiceCaller, parse_ids};
use shared::problem::{Problem, Refusals};
use shared::token::KeySet;
use utoipa_actix_web::service_config::ServiceConfig;

use super::users::{IDS_MAX, IdsQuery};
use crate::handle::UserHandle;

/// For how long a key set may be kept, in the words of the header: half of how soon a new key may be used.
const KEYS_KEPT: &str = "public, max-age=60";

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(keys).service(facts);
}

/// The keys of access tokens (RFC 7517)
#[utoipa::path(tag = "services", responses((status = 200, description = "The public keys", body = KeySet), Refusals))]
#[get("/.well-known/jwks.json")]
async fn keys(users: web::Data<UserHandle>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, KEYS_KEPT)).json(users.key_set())
}

/// Facts about people, hidden ones included
///
/// In the order of the question, as true as the log was at `seq`. For services with the scope `facts`.
#[utoipa::path(tag = "services", params(IdsQuery), security(("service" = [])),
    responses((status = 200, description = "The facts", body = UserFactsPage), Refusals))]
#[get("/v1/user-facts")]
async fn facts(
    caller: ServiceCaller,
    query: web::Query<IdsQuery>,
    users: web::Data<UserHandle>,
) -> Result<web::Json<UserFactsPage>, Problem> {
    caller.require("facts")?;
    Ok(web::Json(users.facts(parse_ids(&query.ids, IDS_MAX)?).await?))
}
