//! Where a person's lists meet what the caller follows.

use actix_web::{get, web};
use shared::http::{Counted, Viewer, counted};
use shared::id::UserId;
use shared::page::{CountedPage, Page, PageRequest};
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use super::lists::{ListQuery, Listing};
use crate::handle::{Overlap, OverlapRequest, RelationHandle};
use crate::store::overlap::With;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(known).service(shared_following);
}

/// Who follows a person and is followed by me
///
/// As far as I may see their followers: 403 `private_list`, 404 `user_not_found`. Of myself: my friends. `since`
/// is when they began to follow the person.
#[utoipa::path(tag = "lists", params(("id" = UserId, Path, description = "Whose followers"), ListQuery),
    security(("user" = [])),
    responses((status = 200, description = "A page", body = CountedPage<Listing>), Refusals))]
#[get("/v1/users/{id}/followers/known")]
async fn known(
    viewer: Viewer,
    owner: web::Path<UserId>,
    query: web::Query<ListQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Counted<Listing>, Problem> {
    overlap(&relations, viewer, *owner, With::Followers, &query).await
}

/// Whom a person and I both follow
///
/// As far as I may see whom they follow: 403 `private_list`, 404 `user_not_found`. With myself: whom I follow.
/// `since` is when the person began to follow them.
#[utoipa::path(tag = "lists", params(("id" = UserId, Path, description = "With whom"), ListQuery),
    security(("user" = [])),
    responses((status = 200, description = "A page", body = CountedPage<Listing>), Refusals))]
#[get("/v1/users/{id}/following/shared")]
async fn shared_following(
    viewer: Viewer,
    owner: web::Path<UserId>,
    query: web::Query<ListQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Counted<Listing>, Problem> {
    overlap(&relations, viewer, *owner, With::Following, &query).await
}

async fn overlap(
    relations: &RelationHandle,
    viewer: Viewer,
    owner: UserId,
    with: With,
    query: &ListQuery,
) -> Result<Counted<Listing>, Problem> {
    let (viewer, order, expand) = (viewer.id, query.order(), query.expand());
    let name = format!("Overlap{with:?}:{owner}:{viewer}:{order:?}");
    let page = PageRequest::parse(&name, query.limit.as_deref(), query.cursor.as_deref())?;
    let request = OverlapRequest { with, owner, viewer, order, page, expand };
    let Overlap { rows, total } = relations.overlap(request).await?;
    let Page { items, next_cursor } = page.page(&name, rows, |row| row.entry.position());
    let items = items.into_iter().map(|row| Listing::new(row, true)).collect();
    Ok(counted(CountedPage { items, total, next_cursor }))
}
