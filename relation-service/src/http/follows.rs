//! Following, and followers removed.

use std::collections::HashSet;

use actix_web::{HttpResponse, delete, post, put, web};
use serde::{Deserialize, Serialize};
use shared::http::{Body, Json, OptionalBody, Viewer};
use shared::id::UserId;
use shared::problem::{FieldError, Problem, Refusals};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::error::told;
use super::relationship::ActedBody;
use crate::domain::{Action, Outcome};
use crate::handle::{Decided, Explained, RelationHandle};

/// People in one batch.
const BATCH_MAX: usize = 100;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(follow)
        .service(unfollow)
        .service(follow_batch)
        .service(unfollow_batch)
        .service(remove_follower);
}

/// Options of a follow; what is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FollowOptions {
    /// Tell me of their posts.
    notify: Option<bool>,
}

/// Follow
///
/// Asks first if the account is private. Following again changes only the options sent.
#[utoipa::path(tag = "following", params(("id" = UserId, Path, description = "Whom")),
    request_body(content = Option<FollowOptions>), security(("user" = [])),
    responses(
        (status = 200, description = "The relationship now", body = ActedBody, links(
            ("relationship" = (operation_id = "relationships", parameters(("ids" = "$response.body#/user_id")))),
            ("undo" = (operation_id = "unfollow", parameters(("id" = "$response.body#/user_id")))),
            ("note" = (operation_id = "note", parameters(("id" = "$response.body#/user_id")))),
        )),
        (status = 429, description = "`follow_quota_exceeded`"),
        Refusals,
    ))]
#[put("/v1/me/following/{id}")]
async fn follow(
    viewer: Viewer,
    target: web::Path<UserId>,
    options: OptionalBody<FollowOptions>,
    relations: web::Data<RelationHandle>,
) -> Result<HttpResponse, Problem> {
    let acted = relations.act(viewer.id, *target, Action::Follow { notify: options.0.notify }).await?;
    let quota = acted.quota;
    let mut response = HttpResponse::Ok().json(ActedBody::new(*target, acted));
    if let Some(quota) = quota {
        told(quota).tell(response.headers_mut());
    }
    Ok(response)
}

/// Unfollow, or take back a request
#[utoipa::path(tag = "following", params(("id" = UserId, Path, description = "Whom")), security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[delete("/v1/me/following/{id}")]
async fn unfollow(
    viewer: Viewer,
    target: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    act(&relations, viewer, *target, Action::Unfollow).await
}

/// Remove a follower
///
/// Only their follow ends; they may follow or ask again.
#[utoipa::path(tag = "followers", params(("id" = UserId, Path, description = "Whom")), security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[delete("/v1/me/followers/{id}")]
async fn remove_follower(
    viewer: Viewer,
    target: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    act(&relations, viewer, *target, Action::RemoveFollower).await
}

/// What every act of one person towards one other does.
pub(super) async fn act(
    relations: &RelationHandle,
    viewer: Viewer,
    target: UserId,
    action: Action,
) -> Result<Json<ActedBody>, Problem> {
    let acted = relations.act(viewer.id, target, action).await?;
    Ok(Json(ActedBody::new(target, acted)))
}

/// People to act on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BatchBody {
    /// 1 to 100 ids, not counting duplicates, which collapse.
    #[schema(min_items = 1)]
    user_ids: Vec<UserId>,
}

/// What became of one of them.
#[derive(Debug, Serialize, ToSchema)]
struct BatchItem {
    user_id: UserId,
    /// `followed`, `requested`, `removed`, `unchanged` or `refused`.
    outcome: &'static str,
    /// Why it is refused; `unavailable` if nobody can say now whether they are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
struct BatchOutcome {
    items: Vec<BatchItem>,
}

/// Follow several people
///
/// Each is decided by itself; the outcomes are in the order of the question. 503 only if nothing can be said of any.
#[utoipa::path(tag = "following", request_body = BatchBody, security(("user" = [])),
    responses((status = 200, description = "One outcome a person", body = BatchOutcome), Refusals))]
#[post("/v1/me/following/batch")]
async fn follow_batch(
    viewer: Viewer,
    body: Body<BatchBody>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<BatchOutcome>, Problem> {
    batch(&relations, viewer, body.0, Action::Follow { notify: None }).await
}

/// Unfollow several people
#[utoipa::path(tag = "following", request_body = BatchBody, security(("user" = [])),
    responses((status = 200, description = "One outcome a person", body = BatchOutcome), Refusals))]
#[post("/v1/me/following/batch-remove")]
async fn unfollow_batch(
    viewer: Viewer,
    body: Body<BatchBody>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<BatchOutcome>, Problem> {
    batch(&relations, viewer, body.0, Action::Unfollow).await
}

async fn batch(
    relations: &RelationHandle,
    viewer: Viewer,
    body: BatchBody,
    action: Action,
) -> Result<Json<BatchOutcome>, Problem> {
    let mut seen = HashSet::new();
    let targets: Vec<UserId> = body.user_ids.into_iter().filter(|id| seen.insert(*id)).collect();
    if targets.is_empty() {
        let detail = "At least one id is needed.".to_owned();
        return Err(Problem::validation(vec![FieldError {
            field: "user_ids".into(),
            code: "required".into(),
            detail,
        }]));
    }
    if targets.len() > BATCH_MAX {
        return Err(Problem::malformed("too_many_ids", format!("At most {BATCH_MAX} ids at once.")));
    }
    let outcomes = relations.act_on_many(viewer.id, &targets, action).await?;
    let item = |(user_id, decided): (UserId, Decided)| match decided {
        Ok(Explained { outcome, refusal }) => {
            BatchItem { user_id, outcome: outcome.as_str(), code: refusal.map(|refusal| refusal.code()) }
        }
        Err(error) => {
            let (outcome, code) = (Outcome::Refused.as_str(), Problem::from(error).code());
            BatchItem { user_id, outcome, code: Some(code) }
        }
    };
    Ok(Json(BatchOutcome { items: outcomes.into_iter().map(item).collect() }))
}
