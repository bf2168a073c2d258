//! What moderators, admins and operators did.

use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::Micros;
use shared::http::{Listed, listed};
use shared::id::UserId;
use shared::page::{Page, PageRequest, Position};
use shared::problem::{Problem, Refusals};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::authority::Moderator;
use super::roster::word;
use crate::domain::audit_log::{Action, Doer, Entry, EntryFilter, EntryId};
use crate::handle::UserHandle;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(audit_log);
}

/// The word for the operator where a person's id may stand.
const OPERATOR: &str = "operator";

/// One act.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryView {
    id: EntryId,
    at: Micros,
    /// The moderator or admin; null for the operator, and for what ended by itself.
    actor_id: Option<UserId>,
    /// Whether it was a command of the operator.
    operator: bool,
    /// `suspend`, `unsuspend`, `verify`, `unverify`, `set_role`, `create_user`, `create_service_token` or
    /// `revoke_service_token`.
    action: &'static str,
    /// Whose account; null for service tokens.
    subject_id: Option<UserId>,
    /// Null if none was given.
    reason: Option<String>,
    /// What the act changed, as it was; null if there was nothing.
    #[schema(value_type = Option<Object>)]
    before: Value,
    /// As it is after it; null if there is nothing.
    #[schema(value_type = Option<Object>)]
    after: Value,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        let Entry { id, at, by, action, subject, reason, before, after } = entry;
        Self {
            id,
            at,
            actor_id: by.person(),
            operator: by == Doer::Operator,
            action: action.as_str(),
            subject_id: subject,
            reason,
            before,
            after,
        }
    }
}

/// Which entries. All that is said must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Whose acts: an id, or `operator`.
    #[param(pattern = "^(operator|[1-9][0-9]{0,17}|[1-8][0-9]{18})$")]
    actor_id: Option<String>,
    /// Acts on whom.
    #[param(value_type = UserId, required = false)]
    subject_id: Option<String>,
    /// Acts of one kind.
    #[param(
        pattern = "^(suspend|unsuspend|verify|unverify|set_role|create_user|(create|revoke)_service_token)$"
    )]
    action: Option<String>,
    /// 1 to 100; 20 if left out.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl AuditQuery {
    fn filter(&self) -> Result<EntryFilter, Problem> {
        let by = match self.actor_id.as_deref() {
            Some(OPERATOR) => Some(Doer::Operator),
            other => person(other, "actor_id")?.map(Doer::Person),
        };
        let subject = person(self.subject_id.as_deref(), "subject_id")?;
        Ok(EntryFilter { by, subject, action: word(self.action.as_deref(), "action", Action::parse)? })
    }
}

fn person(text: Option<&str>, name: &'static str) -> Result<Option<UserId>, Problem> {
    let unread = |error| Problem::malformed("invalid_id", format!("{name}: {error}."));
    text.map(|text| text.parse().map_err(unread)).transpose()
}

/// What moderators, admins and operators did, newest first
///
/// Nothing in it is ever changed; the entries about a person go with the purge of all that is theirs. For
/// moderators.
#[utoipa::path(tag = "moderation", params(AuditQuery), security(("user" = [])),
    responses((status = 200, description = "A page", body = Page<EntryView>), Refusals))]
#[get("/v1/admin/audit-log")]
async fn audit_log(
    _moderator: Moderator,
    query: web::Query<AuditQuery>,
    users: web::Data<UserHandle>,
) -> Result<Listed<EntryView>, Problem> {
    let filter = query.filter()?;
    let list = format!("audit-log:{filter:?}");
    let request = PageRequest::parse(&list, query.limit.as_deref(), query.cursor.as_deref())?;
    let before = request.after.map(|place| EntryId::new(place.id));
    let entries = users.audit_log(filter, before, request.rows_to_load()).await?;
    let page = request.page(&list, entries, |entry| Position { key: 0, id: entry.id.get() });
    let items = page.items.into_iter().map(EntryView::from).collect();
    Ok(listed(Page { items, next_cursor: page.next_cursor }))
}
