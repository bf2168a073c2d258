//! Looking through all people, as moderators do.

use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use shared::clock::Micros;
use shared::facts::AccountStatus;
use shared::http::{Json, Listed, listed};
use shared::id::UserId;
use shared::page::{Page, PageRequest, Position};
use shared::problem::{Problem, Refusals};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::authority::Moderator;
use super::views::PublicView;
use crate::domain::account::Role;
use crate::domain::email::Email;
use crate::domain::moderation::Suspension;
use crate::domain::roster::{Filter, pack, parse_status, unpack};
use crate::domain::username::Username;
use crate::handle::{Looked, RosterRow, UserHandle};
use crate::store::roster::Before;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(roster).service(one);
}

/// Why and until when an account is closed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suspension)]
struct SuspensionView {
    reason: String,
    since: Micros,
    /// Null for good.
    until: Option<Micros>,
    /// By whom; null for the operator.
    by: Option<UserId>,
}

impl From<Suspension> for SuspensionView {
    fn from(suspension: Suspension) -> Self {
        let Suspension { sentence, since, by, .. } = suspension;
        Self { reason: sentence.reason, since, until: sentence.until, by }
    }
}

/// A person as moderators see them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModeratedUser)]
pub(super) struct RosterView {
    #[serde(flatten)]
    public: PublicView,
    /// Null for people of another system.
    #[schema(value_type = Option<String>)]
    email: Option<Email>,
    email_verified: bool,
    role: Role,
    status: AccountStatus,
    /// Null unless suspended.
    suspension: Option<SuspensionView>,
    /// When the person opened a session last; null for who never has.
    last_sign_in_at: Option<Micros>,
    /// When anything of the record last changed.
    updated_at: Micros,
}

impl From<RosterRow> for RosterView {
    fn from(row: RosterRow) -> Self {
        let RosterRow { user, suspension, last_sign_in_at } = row;
        Self {
            email: user.email.clone(),
            email_verified: user.email_verified,
            role: user.role,
            status: user.status,
            suspension: suspension.map(SuspensionView::from),
            last_sign_in_at,
            updated_at: user.updated_at,
            public: user.into(),
        }
    }
}

/// What people are looked for by. All that is said must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RosterQuery {
    /// `active`, `suspended`, `deactivated` or `deleted`.
    #[param(pattern = "^(active|suspended|deactivated|deleted)$")]
    status: Option<String>,
    /// `user`, `moderator` or `admin`.
    #[param(pattern = "^(user|moderator|admin)$")]
    role: Option<String>,
    /// With the badge, or without.
    verified: Option<bool>,
    /// What the username begins with, in any case; then the order is by name. Not together with `created_since` and
    /// `created_before`.
    q: Option<String>,
    /// The whole e-mail address, in any case.
    email: Option<String>,
    /// Registered then or later.
    #[param(value_type = Option<String>, format = DateTime)]
    created_since: Option<Micros>,
    /// Registered before.
    #[param(value_type = Option<String>, format = DateTime)]
    created_before: Option<Micros>,
    /// 1 to 100; 20 if left out.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl RosterQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let status = word(self.status.as_deref(), "status", parse_status)?;
        let role = word(self.role.as_deref(), "role", Role::parse)?;
        if self.q.is_some() && (self.created_since.is_some() || self.created_before.is_some()) {
            let detail = "q goes by name: it cannot be combined with created_since and created_before.";
            return Err(Problem::malformed("invalid_query", detail));
        }
        let Self { verified, created_since, created_before, .. } = *self;
        Ok(Filter { status, role, verified, created_since, created_before })
    }

    /// The name of the list that is asked for, which a cursor belongs to.
    fn list(&self, filter: Filter) -> String {
        format!("roster:{filter:?}:{:?}:{:?}", self.q, self.email)
    }

    fn looked(&self, after: Option<Position>) -> Result<Looked, Problem> {
        let wrong =
            || Problem::malformed("invalid_cursor", "The cursor is damaged or belongs to another list.");
        if let Some(email) = &self.email {
            let email = Email::parse(email).ok();
            let prefix = self.q.as_ref().map(|prefix| prefix.to_ascii_lowercase());
            return Ok(Looked::ByEmail { email, prefix });
        }
        Ok(match &self.q {
            Some(prefix) => {
                let name = |at: Position| unpack([at.key, at.id]).ok_or_else(wrong);
                Looked::ByName { prefix: prefix.to_ascii_lowercase(), after: after.map(name).transpose()? }
            }
            None => {
                let place = |at: Position| Before { created_at: Micros::new(at.key), id: UserId::new(at.id) };
                Looked::ByAge(after.map(place))
            }
        })
    }
}

/// Reads a word of a closed set.
pub(super) fn word<T>(
    word: Option<&str>,
    name: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let unknown = |word: &str| Problem::malformed("invalid_query", format!("{name} is never {word:?}."));
    word.map(|word| parse(word).ok_or_else(|| unknown(word))).transpose()
}

/// People, newest first
///
/// All filters together; with `q` by name. For moderators.
#[utoipa::path(tag = "moderation", params(RosterQuery), security(("user" = [])),
    responses((status = 200, description = "A page", body = Page<RosterView>), Refusals))]
#[get("/v1/admin/users")]
async fn roster(
    _moderator: Moderator,
    query: web::Query<RosterQuery>,
    users: web::Data<UserHandle>,
) -> Result<Listed<RosterView>, Problem> {
    let filter = query.filter()?;
    let list = query.list(filter);
    let request = PageRequest::parse(&list, query.limit.as_deref(), query.cursor.as_deref())?;
    let looked = query.looked(request.after)?;
    let by_name = matches!(looked, Looked::ByName { .. });
    let rows = users.roster(looked, filter, request.rows_to_load()).await?;
    let position = |row: &RosterRow| if by_name { at_name(&row.user.username) } else { at_age(row) };
    let page = request.page(&list, rows, position);
    let items = page.items.into_iter().map(RosterView::from).collect();
    Ok(listed(Page { items, next_cursor: page.next_cursor }))
}

fn at_age(row: &RosterRow) -> Position {
    Position { key: row.user.created_at.get(), id: row.user.id.get() }
}

fn at_name(name: &Username) -> Position {
    let [key, id] = pack(name).unwrap_or_default();
    Position { key, id }
}

/// One person, whatever became of them
///
/// 404 `user_not_found` for who never was, or is purged. For moderators.
#[utoipa::path(tag = "moderation", params(("id" = UserId, Path, description = "Who")), security(("user" = [])),
    responses((status = 200, description = "The person", body = RosterView), Refusals))]
#[get("/v1/admin/users/{id}")]
async fn one(
    _moderator: Moderator,
    id: web::Path<UserId>,
    users: web::Data<UserHandle>,
) -> Result<Json<RosterView>, Problem> {
    Ok(Json(users.roster_row(*id).await?.into()))
}
