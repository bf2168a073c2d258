//! People whom one may know.

use actix_web::{HttpResponse, delete, get, web};
use serde::{Deserialize, Serialize};
use shared::http::{Listed, MaybeViewer, Viewer, listed};
use shared::id::UserId;
use shared::page::{Page, PageRequest};
use shared::problem::{Problem, Refusals};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::lists::{Expand, UserCard};
use crate::domain::{Reason, ReasonKind};
use crate::handle::{Basis, RelationHandle, Suggestion, SuggestionRequest};
use crate::store::graph::Card;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(suggestions).service(dismiss).service(similar);
}

/// Which page of suggestions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SuggestionQuery {
    /// Rows on the page: 1 to 100, 20 if left out; more is taken as 100.
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// `user` adds what is known about each person.
    #[param(inline)]
    expand: Option<Expand>,
}

/// What speaks for somebody.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ReasonWord {
    /// People whom I follow follow them.
    FriendsOfFriends,
    /// They follow me.
    FollowsYou,
    /// Followers of the person whom they are to be like follow them too.
    SharedFollowers,
    /// Many have begun to follow them lately.
    MostFollowed,
}

/// One thing that speaks for somebody.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reason)]
struct ReasonBody {
    kind: ReasonWord,
    /// How many people make it.
    count: usize,
    /// Up to three of them whom I may see.
    user_ids: Vec<UserId>,
}

impl From<Reason> for ReasonBody {
    fn from(reason: Reason) -> Self {
        let Reason { kind, count, users } = reason;
        let kind = match kind {
            ReasonKind::FriendsOfFriends => ReasonWord::FriendsOfFriends,
            ReasonKind::FollowsYou => ReasonWord::FollowsYou,
            ReasonKind::SharedFollowers => ReasonWord::SharedFollowers,
            ReasonKind::MostFollowed => ReasonWord::MostFollowed,
        };
        Self { kind, count, user_ids: users }
    }
}

/// Somebody suggested.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestion)]
struct SuggestionBody {
    user_id: UserId,
    /// How much speaks for them: comparable within one list.
    score: f64,
    /// What speaks for them; at least one.
    reasons: Vec<ReasonBody>,
    /// With `expand=user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserCard>,
}

impl SuggestionBody {
    fn new(row: Suggestion, expand: bool, signed_in: bool) -> Self {
        let Suggestion { user, score, reasons, facts, .. } = row;
        // Nobody is suggested whom the viewer mutes.
        let card = expand.then(|| UserCard::new(user, Card::new(&facts), signed_in.then_some(false)));
        let reasons = reasons.into_iter().map(ReasonBody::from).collect();
        Self { user_id: user, score: score.points(), reasons, user: card }
    }
}

/// People whom I may know
///
/// Those first for whom most speaks: people whom I follow follow them, or they follow me. Who follows nobody is shown
/// who has been followed most lately. Not those whom I follow, have asked, block, mute or have dismissed, who block me,
/// or who do not wish to be suggested; and nobody is named whose lists I may not see.
#[utoipa::path(tag = "suggestions", params(SuggestionQuery), security(("user" = [])),
    responses((status = 200, description = "A page", body = Page<SuggestionBody>), Refusals))]
#[get("/v1/me/suggestions")]
async fn suggestions(
    viewer: Viewer,
    query: web::Query<SuggestionQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Listed<SuggestionBody>, Problem> {
    page(&relations, Basis::Own, Some(viewer.id), &query).await
}

/// Do not suggest this person to me
///
/// For a while, half a year unless the operator says otherwise. They are not told. Again is harmless.
#[utoipa::path(tag = "suggestions", params(("id" = UserId, Path, description = "Whom")), security(("user" = [])),
    responses((status = 204, description = "Dismissed"), Refusals))]
#[delete("/v1/me/suggestions/{id}")]
async fn dismiss(
    viewer: Viewer,
    target: web::Path<UserId>,
    relations: web::Data<RelationHandle>,
) -> Result<HttpResponse, Problem> {
    relations.dismiss(viewer.id, *target).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// People like a person
///
/// Those whom the person's followers follow too, as far as I may see the followers: 403 `private_list`, 404
/// `user_not_found`. Who is left out of my suggestions is left out here.
#[utoipa::path(tag = "suggestions", params(("id" = UserId, Path, description = "Like whom"), SuggestionQuery),
    security((), ("user" = [])),
    responses((status = 200, description = "A page", body = Page<SuggestionBody>), Refusals))]
#[get("/v1/users/{id}/similar")]
async fn similar(
    viewer: MaybeViewer,
    owner: web::Path<UserId>,
    query: web::Query<SuggestionQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Listed<SuggestionBody>, Problem> {
    page(&relations, Basis::FollowersOf(*owner), viewer.0, &query).await
}

async fn page(
    relations: &RelationHandle,
    basis: Basis,
    viewer: Option<UserId>,
    query: &SuggestionQuery,
) -> Result<Listed<SuggestionBody>, Problem> {
    let name = format!("Suggestions:{basis:?}:{viewer:?}");
    let request = PageRequest::parse(&name, query.limit.as_deref(), query.cursor.as_deref())?;
    let rows = relations.suggestions(SuggestionRequest { basis, viewer, page: request }).await?;
    let Page { items, next_cursor } = request.page(&name, rows, |row| row.position);
    let expand = query.expand.is_some();
    let items = items.into_iter().map(|row| SuggestionBody::new(row, expand, viewer.is_some())).collect();
    Ok(listed(Page { items, next_cursor }))
}
