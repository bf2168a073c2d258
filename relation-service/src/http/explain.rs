//! What an act would do.

use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use shared::http::{Json, Viewer};
use shared::id::UserId;
use shared::problem::{Problem, Refusals};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domain::Action;
use crate::handle::{Asked, RelationHandle};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(explain);
}

/// The acts that can be asked about.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActionWord {
    Follow,
    Unfollow,
    Accept,
    Reject,
    RemoveFollower,
    Block,
    Unblock,
    Mute,
    Unmute,
}

impl From<ActionWord> for Action {
    fn from(word: ActionWord) -> Self {
        match word {
            ActionWord::Follow => Self::Follow { notify: None },
            ActionWord::Unfollow => Self::Unfollow,
            ActionWord::Accept => Self::Accept,
            ActionWord::Reject => Self::Reject,
            ActionWord::RemoveFollower => Self::RemoveFollower,
            ActionWord::Block => Self::Block,
            ActionWord::Unblock => Self::Unblock,
            ActionWord::Mute => Self::Mute { notifications: true, duration: None },
            ActionWord::Unmute => Self::Unmute,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExplainQuery {
    /// What I would do.
    #[param(inline)]
    action: ActionWord,
    /// To whom.
    user_id: UserId,
}

/// What the act would be answered.
#[derive(Debug, Serialize, ToSchema)]
struct Explanation {
    /// Whether it would be done.
    allowed: bool,
    /// In one word, as in batches.
    outcome: &'static str,
    /// Why not.
    code: Option<&'static str>,
}

/// What an act of mine would do
///
/// Decided by the code of the act itself; nothing changes.
#[utoipa::path(tag = "relationships", params(ExplainQuery), security(("user" = [])),
    responses((status = 200, description = "What it would do", body = Explanation), Refusals))]
#[get("/v1/me/explain")]
async fn explain(
    viewer: Viewer,
    query: web::Query<ExplainQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<Explanation>, Problem> {
    let asked = Asked { source: viewer.id, target: query.user_id, action: query.action.into() };
    let explained = relations.explain(asked).await?;
    Ok(Json(Explanation {
        allowed: explained.refusal.is_none(),
        outcome: explained.outcome.as_str(),
        code: explained.refusal.map(|refusal| refusal.code()),
    }))
}
