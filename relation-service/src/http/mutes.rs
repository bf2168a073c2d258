//! Muting.

use std::time::Duration;

use actix_web::{delete, get, put, web};
use serde::{Deserialize, Serialize};
use shared::clock::Micros;
use shared::http::{Json, Listed, OptionalBody, Viewer, listed};
use shared::id::UserId;
use shared::page::{Page, PageRequest};
use shared::problem::{FieldError, Problem, Refusals};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::follows::act;
use super::lists::OwnQuery;
use super::relationship::ActedBody;
use crate::domain::{Action, Mute};
use crate::handle::RelationHandle;
use crate::store::mark::Muted;

/// A hundred years: longer is for ever, which is said by leaving the duration out.
const DURATION_MAX_SECS: u64 = 3_155_760_000;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(mute).service(unmute).service(mutes);
}

/// How to mute; what is left out takes its default, also when a mute is replaced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MuteOptions {
    /// Notifications too; true if left out.
    notifications: Option<bool>,
    /// For so long; for ever if left out.
    #[schema(minimum = 1, maximum = 3_155_760_000_u64)]
    duration_seconds: Option<i64>,
}

impl MuteOptions {
    fn action(&self) -> Result<Action, Problem> {
        let duration = self.duration_seconds.map(duration).transpose()?;
        Ok(Action::Mute { notifications: self.notifications.unwrap_or(true), duration })
    }
}

fn duration(seconds: i64) -> Result<Duration, Problem> {
    let valid = u64::try_from(seconds).ok().filter(|seconds| (1..=DURATION_MAX_SECS).contains(seconds));
    valid.map(Duration::from_secs).ok_or_else(|| {
        let detail = format!("A duration is from 1 to {DURATION_MAX_SECS} seconds.");
        Problem::validation(vec![FieldError {
            field: "duration_seconds".into(),
            code: "out_of_range".into(),
            detail,
        }])
    })
}

/// Mute
///
/// The muted side is not told, and follows and counts stay. Muting again replaces the mute.
#[utoipa::path(tag = "mutes", params(("id" = UserId, Path, description = "Whom")),
    request_body(content = Option<MuteOptions>), security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[put("/v1/me/mutes/{id}")]
async fn mute(
    viewer: Viewer,
    target: web::Path<UserId>,
    options: OptionalBody<MuteOptions>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    act(&relations, viewer, *target, options.0.action()?).await
}

/// Unmute
#[utoipa::path(tag = "mutes", params(("id" = UserId, Path, description = "Whom")), security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[delete("/v1/me/mutes/{id}")]
async fn unmute(
    viewer: Viewer,
    target: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    act(&relations, viewer, *target, Action::Unmute).await
}

/// A row of the list of mutes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mute)]
struct MuteBody {
    user_id: UserId,
    since: Micros,
    /// When the mute ends by itself; null for never.
    expires_at: Option<Micros>,
    /// Whether notifications are muted too.
    notifications: bool,
}

impl From<Muted> for MuteBody {
    fn from(row: Muted) -> Self {
        let Mute { since, expires_at, notifications } = row.mute;
        Self { user_id: row.user, since, expires_at, notifications }
    }
}

/// Whom I mute, newest first
///
/// Without mutes that are over.
#[utoipa::path(tag = "mutes", params(OwnQuery), security(("user" = [])),
    responses((status = 200, description = "A page", body = Page<MuteBody>), Refusals))]
#[get("/v1/me/mutes")]
async fn mutes(
    viewer: Viewer,
    query: web::Query<OwnQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Listed<MuteBody>, Problem> {
    let name = format!("Mutes:{}", viewer.id);
    let request = PageRequest::parse(&name, query.limit.as_deref(), query.cursor.as_deref())?;
    let page = request.page(&name, relations.mutes(viewer.id, request).await?, Muted::position);
    let items = page.items.into_iter().map(MuteBody::from).collect();
    Ok(listed(Page { items, next_cursor: page.next_cursor }))
}
