//! Close friends.

use actix_web::{delete, get, put, web};
use shared::http::{Json, Listed, Viewer, listed};
use shared::id::UserId;
use shared::page::{Page, PageRequest};
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use super::follows::act;
use super::lists::{OwnQuery, Since};
use super::relationship::ActedBody;
use crate::domain::Action;
use crate::handle::RelationHandle;
use crate::store::list::Entry;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(mark).service(unmark).service(close_friends);
}

/// Mark a follower as a close friend
///
/// They are not told. The mark goes when they no longer follow me.
#[utoipa::path(tag = "close friends", params(("id" = UserId, Path, description = "Whom")),
    security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[put("/v1/me/close-friends/{id}")]
async fn mark(
    viewer: Viewer,
    target: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    act(&relations, viewer, *target, Action::MarkClose).await
}

/// Take the mark away
#[utoipa::path(tag = "close friends", params(("id" = UserId, Path, description = "Whom")),
    security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[delete("/v1/me/close-friends/{id}")]
async fn unmark(
    viewer: Viewer,
    target: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    act(&relations, viewer, *target, Action::UnmarkClose).await
}

/// My close friends, newest first
#[utoipa::path(tag = "close friends", params(OwnQuery), security(("user" = [])),
    responses((status = 200, description = "A page", body = Page<Since>), Refusals))]
#[get("/v1/me/close-friends")]
async fn close_friends(
    viewer: Viewer,
    query: web::Query<OwnQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Listed<Since>, Problem> {
    let name = format!("CloseFriends:{}", viewer.id);
    let request = PageRequest::parse(&name, query.limit.as_deref(), query.cursor.as_deref())?;
    let page = request.page(&name, relations.close_friends(viewer.id, request).await?, Entry::position);
    let items = page.items.into_iter().map(Since::from).collect();
    Ok(listed(Page { items, next_cursor: page.next_cursor }))
}
