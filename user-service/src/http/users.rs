//! Registering, and looking people up.

use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use shared::http::{Asked, Body, Json, MaybeViewer, Network, Told, parse_ids};
use shared::id::UserId;
use shared::problem::{Problem, Refusals};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::etag::{IfNoneMatch, NotModified, if_changed, told};
use super::idempotency::NetworkKey;
use super::rate_limit::limit_registrations;
use super::views::{PublicView, SignedInView, signed_in_answer};
use crate::domain::registration::RawRegistration;
use crate::handle::{NameState, UserHandle};

/// People in one question.
pub(super) const IDS_MAX: usize = 100;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(register).service(name_state).service(by_name).service(by_id).service(many);
}

/// Register
///
/// Makes an account and signs its owner in. 409 `username_taken` also for a name that looks like another.
/// With an `Idempotency-Key`, the same request from the same network brings the same answer for 24 hours, its access
/// token included, which may have expired by then; with another body it is 422 `idempotency_key_reused`.
#[utoipa::path(tag = "users", request_body = RawRegistration,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters",
        min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    responses(
        (status = 201, description = "A member", body = SignedInView, links(
            ("person" = (operation_id = "by_id", parameters(("id" = "$response.body#/user/id")))),
            ("person_by_name" = (operation_id = "by_name", parameters(("name" = "$response.body#/user/username")))),
            ("name" = (operation_id = "name_state", parameters(("name" = "$response.body#/user/username")))),
        )),
        (status = 409, description = "`username_taken`, `email_taken`"),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/users", wrap = "from_fn(limit_registrations)")]
async fn register(
    network: Network,
    key: NetworkKey,
    body: Body<RawRegistration>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let signed_in = users.register(body.0, key.0, network.to_string()).await?;
    Ok(signed_in_answer(signed_in))
}

/// Whether a name may be registered.
#[derive(Debug, Serialize, ToSchema)]
struct NameAnswer {
    /// As it was asked for.
    username: String,
    available: bool,
    /// `taken`, `reserved`, `invalid` or `quarantined`; null if available.
    reason: Option<&'static str>,
}

/// Whether a name may be registered
#[utoipa::path(tag = "users", params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "Whether, and why not", body = NameAnswer), Refusals))]
#[get("/v1/usernames/{name}")]
async fn name_state(
    name: web::Path<String>,
    users: web::Data<UserHandle>,
) -> Result<Json<NameAnswer>, Problem> {
    let reason = match users.name_state(&name).await? {
        NameState::Available => None,
        NameState::Taken => Some("taken"),
        NameState::Reserved => Some("reserved"),
        NameState::Invalid => Some("invalid"),
        NameState::Quarantined => Some("quarantined"),
    };
    Ok(Json(NameAnswer { username: name.into_inner(), available: reason.is_none(), reason }))
}

/// A person
///
/// 404 `user_not_found` for who is hidden, gone or never was.
#[utoipa::path(tag = "users", params(("id" = UserId, Path, description = "Who"), IfNoneMatch),
    security((), ("user" = [])), responses(
    (status = 200, description = "The person", body = PublicView, headers(("ETag", description = "Its version"))),
    NotModified,
    Refusals,
))]
#[get("/v1/users/{id}")]
async fn by_id(
    request: HttpRequest,
    _viewer: MaybeViewer,
    id: web::Path<UserId>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let user = users.user(*id).await?;
    Ok(if_changed(&request, user.version, &PublicView::from(user)))
}

/// [`by_id`] as memory tells it.
pub(super) fn recalled(users: &UserHandle, asked: &Asked<'_>) -> Option<Told> {
    let user = users.recall_user(asked.id?)?;
    told(user.version, &PublicView::from(user))
}

/// A person by name
///
/// In any case. A name that was given up leads to its former owner for 30 days.
#[utoipa::path(tag = "users", params(("name" = String, Path, description = "The name"), IfNoneMatch),
    security((), ("user" = [])), responses(
    (status = 200, description = "The person", body = PublicView, headers(("ETag", description = "Its version"))),
    NotModified,
    Refusals,
))]
#[get("/v1/users/by-username/{name}")]
async fn by_name(
    request: HttpRequest,
    _viewer: MaybeViewer,
    name: web::Path<String>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let user = users.user_by_name(&name).await?;
    Ok(if_changed(&request, user.version, &PublicView::from(user)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct IdsQuery {
    /// Up to 100 ids, separated by commas.
    #[param(example = "4503599627370496,4503599627370497")]
    pub(super) ids: String,
}

/// One person asked for.
#[derive(Debug, Serialize, ToSchema)]
struct UserItem {
    id: UserId,
    /// Null for who is not there.
    user: Option<PublicView>,
}

/// People in the order of the question.
#[derive(Debug, Serialize, ToSchema)]
struct Users {
    items: Vec<UserItem>,
}

/// Several people
///
/// In the order of the question, duplicates collapsed; null for who is hidden, gone or never was.
#[utoipa::path(tag = "users", params(IdsQuery), security((), ("user" = [])),
    responses((status = 200, description = "The people", body = Users), Refusals))]
#[get("/v1/users")]
async fn many(
    _viewer: MaybeViewer,
    query: web::Query<IdsQuery>,
    users: web::Data<UserHandle>,
) -> Result<Json<Users>, Problem> {
    let found = users.users(parse_ids(&query.ids, IDS_MAX)?).await?;
    let items = found.into_iter().map(|(id, user)| UserItem { id, user: user.map(PublicView::from) });
    Ok(Json(Users { items: items.collect() }))
}
