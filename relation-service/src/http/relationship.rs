//! How the caller stands to others.

use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use shared::clock::Micros;
use shared::http::scope::Relationships as MayAsk;
use shared::http::{Asked, Granted, Json, Told, Viewer, parse_ids};
use shared::id::UserId;
use shared::problem::{Problem, Refusals};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::actors::change::Acted;
use crate::domain::Relationship;
use crate::handle::{RelationHandle, Standing, Standings};

/// People in one question.
const IDS_MAX: usize = 200;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(relationships).service(standings);
}

/// How the caller (the viewer) stands to another person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Relationship)]
pub(super) struct RelationshipBody {
    /// The other person.
    user_id: UserId,
    /// The viewer follows them.
    following: bool,
    /// They follow the viewer.
    followed_by: bool,
    /// Both.
    friends: bool,
    /// The viewer has asked to follow them.
    requested: bool,
    /// They have asked to follow the viewer.
    requested_by: bool,
    /// The viewer blocks them.
    blocking: bool,
    /// The viewer mutes them.
    muting: bool,
    /// When the mute ends by itself.
    mute_expires_at: Option<Micros>,
    /// Whether the mute covers notifications.
    mute_notifications: bool,
    /// The viewer wants to be told of their posts.
    notify: bool,
    /// They are a close friend of the viewer's.
    close_friend: bool,
    /// The viewer's private note about them.
    note: String,
    /// Since when the viewer follows them.
    followed_at: Option<Micros>,
    /// Since when they follow the viewer.
    followed_by_at: Option<Micros>,
}

impl RelationshipBody {
    fn new(user_id: UserId, seen: Relationship) -> Self {
        Self {
            user_id,
            following: seen.following,
            followed_by: seen.followed_by,
            friends: seen.friends,
            requested: seen.requested,
            requested_by: seen.requested_by,
            blocking: seen.blocking,
            muting: seen.muting,
            mute_expires_at: seen.mute_expires_at,
            mute_notifications: seen.mute_notifications,
            notify: seen.notify,
            close_friend: seen.close_friend,
            note: seen.note,
            followed_at: seen.followed_at,
            followed_by_at: seen.followed_by_at,
        }
    }
}

/// The relationship after an act, and whether the act changed it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangedRelationship)]
pub(super) struct ActedBody {
    #[serde(flatten)]
    relationship: RelationshipBody,
    /// Whether anything is different from before.
    changed: bool,
}

impl ActedBody {
    pub(super) fn new(target: UserId, acted: Acted) -> Self {
        let relationship = RelationshipBody::new(target, acted.relationship);
        Self { relationship, changed: acted.changed }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct IdsQuery {
    /// Ids, separated by commas: up to 200 for relationships, up to 100 for counts.
    #[param(example = "4503599627370496,4503599627370497")]
    pub(super) ids: String,
}

/// One person asked for.
#[derive(Debug, Serialize, ToSchema)]
struct RelationshipItem {
    id: UserId,
    /// Null for who is not there.
    relationship: Option<RelationshipBody>,
}

impl RelationshipItem {
    fn new((id, seen): (UserId, Option<Standing>)) -> Self {
        Self { id, relationship: seen.map(|seen| RelationshipBody::new(id, seen.relationship)) }
    }
}

/// Relationships in the order of the question.
#[derive(Debug, Serialize, ToSchema)]
struct Relationships {
    items: Vec<RelationshipItem>,
}

impl Relationships {
    fn new(found: Standings) -> Self {
        Self { items: found.into_iter().map(RelationshipItem::new).collect() }
    }
}

/// [`relationships`] as memory tells it.
pub(super) fn recalled(relations: &RelationHandle, asked: &Asked<'_>) -> Option<Told> {
    let ids = parse_ids(asked.only("ids")?, IDS_MAX).ok()?;
    let found = relations.recall_relationships(asked.viewer()?.id, ids)?;
    Told::new(&Relationships::new(found))
}

/// How I stand to others
///
/// In the order of the question, duplicates collapsed. Null stands for people who are unknown or
/// hidden; one who blocks me looks like a stranger.
#[utoipa::path(tag = "relationships", params(IdsQuery), security(("user" = [])),
    responses((status = 200, description = "The relationships", body = Relationships), Refusals))]
#[get("/v1/me/relationships")]
async fn relationships(
    viewer: Viewer,
    query: web::Query<IdsQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<Relationships>, Problem> {
    let ids = parse_ids(&query.ids, IDS_MAX)?;
    Ok(Json(Relationships::new(relations.relationships(viewer.id, ids).await?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ServiceQuery {
    /// Whose relationships.
    viewer_id: UserId,
    /// Up to 200 ids, separated by commas.
    #[param(example = "4503599627370496,4503599627370497")]
    ids: String,
}

/// A relationship as services are told it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceRelationship)]
struct StandingBody {
    #[serde(flatten)]
    relationship: RelationshipBody,
    /// They block the viewer, who is not told.
    blocked_by: bool,
}

/// One person asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceRelationshipItem)]
struct StandingItem {
    id: UserId,
    /// Null for who is not there.
    relationship: Option<StandingBody>,
}

/// Relationships in the order of the question.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceRelationships {
    items: Vec<StandingItem>,
}

/// How a person stands to others
///
/// What the person themselves would be answered, and who blocks them. 404 `user_not_found` if the viewer is
/// unknown or hidden. Scope `relationships`.
#[utoipa::path(tag = "services", params(ServiceQuery), security(("service" = [])),
    responses(
        (status = 200, description = "The relationships", body = ServiceRelationships),
        (status = 404, description = "`user_not_found`: the viewer"),
        Refusals,
    ))]
#[get("/v1/relationships")]
async fn standings(
    granted: Granted<MayAsk, web::Query<ServiceQuery>>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ServiceRelationships>, Problem> {
    let Granted { asked: query, .. } = granted;
    let ids = parse_ids(&query.ids, IDS_MAX)?;
    let found = relations.standings(query.viewer_id, ids).await?;
    let body = |id, Standing { relationship, blocked_by }| StandingBody {
        relationship: RelationshipBody::new(id, relationship),
        blocked_by,
    };
    let items =
        found.into_iter().map(|(id, seen)| StandingItem { id, relationship: seen.map(|s| body(id, s)) });
    Ok(Json(ServiceRelationships { items: items.collect() }))
}
