//! Counts.

use actix_web::{get, web};
use serde::Serialize;
use shared::http::{Asked, Json, MaybeViewer, Told, parse_ids};
use shared::id::UserId;
use shared::problem::{Problem, Refusals};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::relationship::IdsQuery;
use crate::domain::{CountDelta, Refusal};
use crate::handle::{RelationError, RelationHandle};

/// People in one question.
const IDS_MAX: usize = 100;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(counts_of_one).service(counts_of_many);
}

/// A person's counts; null where they are not shown.
#[derive(Debug, Serialize, ToSchema)]
struct Counts {
    user_id: UserId,
    followers: Option<i64>,
    following: Option<i64>,
    friends: Option<i64>,
    /// In one's own view only.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_received: Option<i64>,
    /// In one's own view only.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_sent: Option<i64>,
}

impl Counts {
    fn new(user_id: UserId, shown: Option<CountDelta>, own: bool) -> Self {
        let owned = shown.filter(|_| own);
        Self {
            user_id,
            followers: shown.map(|counts| counts.followers),
            following: shown.map(|counts| counts.following),
            friends: shown.map(|counts| counts.friends),
            requests_received: owned.map(|counts| counts.requests_received),
            requests_sent: owned.map(|counts| counts.requests_sent),
        }
    }
}

/// [`counts_of_one`] as memory tells it.
pub(super) fn recalled(relations: &RelationHandle, asked: &Asked<'_>) -> Option<Told> {
    let (viewer, user) = (asked.maybe_viewer().0, asked.id?);
    let shown = relations.recall_counts(viewer, user)??;
    Told::new(&Counts::new(user, shown, viewer == Some(user)))
}

/// A person's counts
///
/// True for the person: not filtered by who looks. Null where the person does not show them.
#[utoipa::path(tag = "counts", params(("id" = UserId, Path, description = "Whose")), security((), ("user" = [])),
    responses((status = 200, description = "The counts", body = Counts), Refusals))]
#[get("/v1/users/{id}/counts")]
async fn counts_of_one(
    viewer: MaybeViewer,
    user: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<Counts>, Problem> {
    let found = relations.counts(viewer.0, vec![*user]).await?;
    let seen = found.into_iter().find_map(|(_, seen)| seen);
    let shown = seen.ok_or(RelationError::Refused(Refusal::UserNotFound))?;
    Ok(Json(Counts::new(*user, shown, viewer.0 == Some(*user))))
}

/// One person asked for.
#[derive(Debug, Serialize, ToSchema)]
struct CountsItem {
    id: UserId,
    /// Null for who is not there.
    counts: Option<Counts>,
}

/// Counts in the order of the question.
#[derive(Debug, Serialize, ToSchema)]
struct ManyCounts {
    items: Vec<CountsItem>,
}

/// Several people's counts
#[utoipa::path(tag = "counts", params(IdsQuery), security((), ("user" = [])),
    responses((status = 200, description = "The counts", body = ManyCounts), Refusals))]
#[get("/v1/counts")]
async fn counts_of_many(
    viewer: MaybeViewer,
    query: web::Query<IdsQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ManyCounts>, Problem> {
    let ids = parse_ids(&query.ids, IDS_MAX)?;
    let found = relations.counts(viewer.0, ids).await?;
    let items = found.into_iter().map(|(id, seen)| CountsItem {
        id,
        counts: seen.map(|shown| Counts::new(id, shown, viewer.0 == Some(id))),
    });
    Ok(Json(ManyCounts { items: items.collect() }))
}
