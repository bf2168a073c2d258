//! Follow requests.

use actix_web::{get, post, web};
use serde::Serialize;
use shared::clock::Micros;
use shared::http::{Json, Listed, Viewer};
use shared::id::UserId;
use shared::page::Page;
use shared::problem::{Problem, Refusals};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::follows::act;
use super::lists::{OwnQuery, own_list};
use super::relationship::ActedBody;
use crate::domain::Action;
use crate::handle::RelationHandle;
use crate::store::list::{Entry, List};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(received)
        .service(sent)
        .service(accept_all)
        .service(reject_all)
        .service(accept)
        .service(reject);
}

/// A request.
#[derive(Debug, Serialize, ToSchema)]
struct Request {
    /// The other person.
    user_id: UserId,
    /// When it was asked.
    requested_at: Micros,
}

impl From<Entry> for Request {
    fn from(entry: Entry) -> Self {
        Self { user_id: entry.user, requested_at: entry.since }
    }
}

/// Who has asked to follow me, newest first
#[utoipa::path(tag = "follow requests", params(OwnQuery), security(("user" = [])),
    responses(
        (status = 200, description = "A page", body = Page<Request>, links(
            ("accept" = (operation_id = "accept", parameters(("id" = "$response.body#/items/0/user_id")))),
        )),
        Refusals,
    ))]
#[get("/v1/me/follow-requests")]
async fn received(
    viewer: Viewer,
    query: web::Query<OwnQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Listed<Request>, Problem> {
    own_list(&relations, viewer, List::RequestsReceived, &query, Request::from).await
}

/// Whom I have asked, newest first
#[utoipa::path(tag = "follow requests", params(OwnQuery), security(("user" = [])),
    responses((status = 200, description = "A page", body = Page<Request>), Refusals))]
#[get("/v1/me/follow-requests/sent")]
async fn sent(
    viewer: Viewer,
    query: web::Query<OwnQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Listed<Request>, Problem> {
    own_list(&relations, viewer, List::RequestsSent, &query, Request::from).await
}

/// Accept a request
#[utoipa::path(tag = "follow requests", params(("id" = UserId, Path, description = "Whose")),
    security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[post("/v1/me/follow-requests/{id}/accept")]
async fn accept(
    viewer: Viewer,
    target: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    act(&relations, viewer, *target, Action::Accept).await
}

/// Reject a request
///
/// They are not told, and may ask again.
#[utoipa::path(tag = "follow requests", params(("id" = UserId, Path, description = "Whose")),
    security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[post("/v1/me/follow-requests/{id}/reject")]
async fn reject(
    viewer: Viewer,
    target: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    act(&relations, viewer, *target, Action::Reject).await
}

/// How many requests were answered.
#[derive(Debug, Serialize, ToSchema)]
struct Count {
    count: u64,
}

/// Accept all requests
#[utoipa::path(tag = "follow requests", security(("user" = [])),
    responses((status = 200, description = "How many", body = Count), Refusals))]
#[post("/v1/me/follow-requests/accept-all")]
async fn accept_all(viewer: Viewer, relations: web::Data<RelationHandle>) -> Result<Json<Count>, Problem> {
    Ok(Json(Count { count: relations.answer_all(viewer.id, true).await? }))
}

/// Reject all requests
#[utoipa::path(tag = "follow requests", security(("user" = [])),
    responses((status = 200, description = "How many", body = Count), Refusals))]
#[post("/v1/me/follow-requests/reject-all")]
async fn reject_all(viewer: Viewer, relations: web::Data<RelationHandle>) -> Result<Json<Count>, Problem> {
    Ok(Json(Count { count: relations.answer_all(viewer.id, false).await? }))
}
