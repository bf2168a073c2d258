//! Blocking.

use actix_web::{delete, get, put, web};
use shared::http::{Json, Listed, Viewer};
use shared::id::UserId;
use shared::page::Page;
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use super::follows::act;
use super::lists::{OwnQuery, Since, own_list};
use super::relationship::ActedBody;
use crate::domain::Action;
use crate::handle::RelationHandle;
use crate::store::list::List;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(block).service(unblock).service(blocks);
}

/// Block
///
/// Ends follows and requests both ways. The blocked side finds my profile's relations gone.
#[utoipa::path(tag = "blocks", params(("id" = UserId, Path, description = "Whom")), security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[put("/v1/me/blocks/{id}")]
async fn block(
    viewer: Viewer,
    target: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    act(&relations, viewer, *target, Action::Block).await
}

/// Unblock
///
/// Restores nothing that the block ended.
#[utoipa::path(tag = "blocks", params(("id" = UserId, Path, description = "Whom")), security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[delete("/v1/me/blocks/{id}")]
async fn unblock(
    viewer: Viewer,
    target: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    act(&relations, viewer, *target, Action::Unblock).await
}

/// Whom I block, newest first
#[utoipa::path(tag = "blocks", params(OwnQuery), security(("user" = [])),
    responses((status = 200, description = "A page", body = Page<Since>), Refusals))]
#[get("/v1/me/blocks")]
async fn blocks(
    viewer: Viewer,
    query: web::Query<OwnQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Listed<Since>, Problem> {
    own_list(&relations, viewer, List::Blocks, &query, Since::from).await
}
