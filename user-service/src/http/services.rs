//! What other services ask: the keys, and facts about people.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use shared::facts::{NamedFactsPage, UserFactsPage};
use shared::http::scope::Facts;
use shared::http::{Granted, Json, parse_ids};
use shared::id::UserId;
use shared::page::parse_limit;
use shared::problem::{Problem, Refusals};
use shared::token::KeySet;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::users::{IDS_MAX, IdsQuery};
use crate::handle::UserHandle;

/// For how long a key set may be kept, in the words of the header: half of how soon a new key may be used.
const KEYS_KEPT: &str = "public, max-age=60";

/// People on a page when the caller does not say.
const FACTS_LIMIT_DEFAULT: i64 = 100;
/// People on a page at the most; more is clamped to this.
const FACTS_LIMIT_MAX: i64 = 1_000;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(keys).service(facts).service(all_facts).service(named_facts);
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
    granted: Granted<Facts, web::Query<IdsQuery>>,
    users: web::Data<UserHandle>,
) -> Result<Json<UserFactsPage>, Problem> {
    let Granted { asked: query, .. } = granted;
    Ok(Json(users.facts(parse_ids(&query.ids, IDS_MAX)?).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AllFactsQuery {
    /// Continue after this id; from the first if left out.
    #[param(value_type = Option<UserId>)]
    after: Option<UserId>,
    /// At most this many people: 1 to 1,000; 100 if left out.
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<String>,
}

/// Facts about everybody, by id, hidden ones included
///
/// For a reader of the feed that was told `events_expired`: from the first id until a page is empty, then the feed
/// from before `oldest` on. Each page is as true as the log was at `seq`. For services with the scope `facts`.
#[utoipa::path(tag = "services", params(AllFactsQuery), security(("service" = [])),
    responses((status = 200, description = "A page", body = UserFactsPage), Refusals))]
#[get("/v1/user-facts/all")]
async fn all_facts(
    granted: Granted<Facts, web::Query<AllFactsQuery>>,
    users: web::Data<UserHandle>,
) -> Result<Json<UserFactsPage>, Problem> {
    let Granted { asked: query, .. } = granted;
    let limit = parse_limit(query.limit.as_deref(), FACTS_LIMIT_DEFAULT, FACTS_LIMIT_MAX)?;
    Ok(Json(users.all_facts(query.after, limit).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NamesQuery {
    /// Up to 100 usernames, separated by commas.
    #[param(example = "ada,bo")]
    usernames: String,
}

/// Facts about the people to whom names lead, hidden ones included
///
/// In the order of the question, in any case. A name that was given up leads to its former owner for 30 days; a name
/// that nobody has, or could have, leads to null. For services with the scope `facts`.
#[utoipa::path(tag = "services", params(NamesQuery), security(("service" = [])),
    responses((status = 200, description = "The facts", body = NamedFactsPage), Refusals))]
#[get("/v1/user-facts/by-username")]
async fn named_facts(
    granted: Granted<Facts, web::Query<NamesQuery>>,
    users: web::Data<UserHandle>,
) -> Result<Json<NamedFactsPage>, Problem> {
    let Granted { asked: query, .. } = granted;
    let names: Vec<String> = query.usernames.split(',').take(IDS_MAX + 1).map(str::to_owned).collect();
    if names.len() > IDS_MAX {
        return Err(Problem::malformed("too_many_ids", format!("At most {IDS_MAX} usernames at once.")));
    }
    Ok(Json(users.named_facts(names).await?))
}
