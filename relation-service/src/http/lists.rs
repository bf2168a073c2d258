//! Lists of people.

use std::borrow::Cow;

use actix_web::{get, web};
use serde::{Deserialize, Serialize, Serializer};
use shared::clock::Micros;
use shared::http::{Asked, Listed, MaybeViewer, Told, Viewer, listed, told_page};
use shared::id::UserId;
use shared::page::{Page, PageRequest};
use shared::problem::{Problem, Refusals};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::handle::{ListRequest, ListRow, RelationHandle};
use crate::store::graph::Card;
use crate::store::list::{Entry, List, Order};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(followers).service(following).service(friends);
}

/// Which page of a person's list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Rows on the page: 1 to 100, 20 if left out; more is taken as 100.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub(super) limit: Option<String>,
    /// The `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
    /// `newest` first, or `oldest`.
    #[serde(default)]
    #[param(inline)]
    order: OrderWord,
    /// `user` adds what is known about each person.
    #[param(inline)]
    expand: Option<Expand>,
}

impl ListQuery {
    pub(super) fn order(&self) -> Order {
        match self.order {
            OrderWord::Newest => Order::Newest,
            OrderWord::Oldest => Order::Oldest,
        }
    }

    pub(super) fn expand(&self) -> bool {
        matches!(self.expand, Some(Expand::User))
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OrderWord {
    #[default]
    Newest,
    Oldest,
}

/// What rows may be expanded with.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Expand {
    User,
}

/// Which page of one of the caller's own lists.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OwnQuery {
    /// Rows on the page: 1 to 100, 20 if left out; more is taken as 100.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub(super) limit: Option<String>,
    /// The `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// A person, as lists show them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserCard)]
struct UserCardBody<'f> {
    id: UserId,
    username: &'f str,
    display_name: &'f str,
    avatar_url: Option<&'f str>,
    verified: bool,
    private_account: bool,
    /// Whether the viewer mutes them; only for a viewer who is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    muting: Option<bool>,
}

/// The same, before it is written: pages are mostly cards, so nothing of them is copied.
#[derive(Debug)]
pub(super) struct UserCard {
    id: UserId,
    card: Card,
    muting: Option<bool>,
}

impl UserCard {
    pub(super) const fn new(id: UserId, card: Card, muting: Option<bool>) -> Self {
        Self { id, card, muting }
    }
}

impl Serialize for UserCard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, card, muting } = self;
        let body = UserCardBody {
            id: *id,
            username: card.username(),
            display_name: card.display_name(),
            avatar_url: card.avatar_url(),
            verified: card.verified(),
            private_account: card.private_account(),
            muting: *muting,
        };
        body.serialize(serializer)
    }
}

impl PartialSchema for UserCard {
    fn schema() -> RefOr<Schema> {
        UserCardBody::schema()
    }
}

impl ToSchema for UserCard {
    fn name() -> Cow<'static, str> {
        UserCardBody::name()
    }
}

/// A row of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Listing {
    user_id: UserId,
    /// Since when.
    since: Micros,
    /// With `expand=user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserCard>,
}

impl Listing {
    pub(super) fn new(row: ListRow, signed_in: bool) -> Self {
        let (id, muting) = (row.entry.user, signed_in.then_some(row.muting));
        let user = row.user.map(|card| UserCard::new(id, card, muting));
        Self { user_id: id, since: row.entry.since, user }
    }
}

/// A row of one of the caller's own lists.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Since {
    user_id: UserId,
    since: Micros,
}

impl From<Entry> for Since {
    fn from(entry: Entry) -> Self {
        Self { user_id: entry.user, since: entry.since }
    }
}

/// Who follows a person
#[utoipa::path(tag = "lists", params(("id" = UserId, Path, description = "Whose list"), ListQuery),
    security((), ("user" = [])),
    responses(
        (status = 200, description = "A page", body = Page<Listing>, links(
            ("follow" = (operation_id = "follow", parameters(("id" = "$response.body#/items/0/user_id")))),
        )),
        Refusals,
    ))]
#[get("/v1/users/{id}/followers")]
async fn followers(
    viewer: MaybeViewer,
    owner: web::Path<UserId>,
    query: web::Query<ListQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Listed<Listing>, Problem> {
    list(&relations, viewer, *owner, List::Followers, &query).await
}

/// Whom a person follows
#[utoipa::path(tag = "lists", params(("id" = UserId, Path, description = "Whose list"), ListQuery),
    security((), ("user" = [])),
    responses((status = 200, description = "A page", body = Page<Listing>), Refusals))]
#[get("/v1/users/{id}/following")]
async fn following(
    viewer: MaybeViewer,
    owner: web::Path<UserId>,
    query: web::Query<ListQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Listed<Listing>, Problem> {
    list(&relations, viewer, *owner, List::Following, &query).await
}

/// A person's friends: those who follow each other
#[utoipa::path(tag = "lists", params(("id" = UserId, Path, description = "Whose list"), ListQuery),
    security((), ("user" = [])),
    responses((status = 200, description = "A page", body = Page<Listing>), Refusals))]
#[get("/v1/users/{id}/friends")]
async fn friends(
    viewer: MaybeViewer,
    owner: web::Path<UserId>,
    query: web::Query<ListQuery>,
    relations: web::Data<RelationHandle>,
) -> Result<Listed<Listing>, Problem> {
    list(&relations, viewer, *owner, List::Friends, &query).await
}

async fn list(
    relations: &RelationHandle,
    viewer: MaybeViewer,
    owner: UserId,
    list: List,
    query: &ListQuery,
) -> Result<Listed<Listing>, Problem> {
    let (name, request) = request(viewer, owner, list, query)?;
    let rows = relations.list(request).await?;
    Ok(listed(page(&name, request, rows)))
}

/// [`followers`] as memory tells it.
pub(super) fn recalled_followers(relations: &RelationHandle, asked: &Asked<'_>) -> Option<Told> {
    recalled(relations, List::Followers, asked)
}

/// [`following`] as memory tells it.
pub(super) fn recalled_following(relations: &RelationHandle, asked: &Asked<'_>) -> Option<Told> {
    recalled(relations, List::Following, asked)
}

fn recalled(relations: &RelationHandle, list: List, asked: &Asked<'_>) -> Option<Told> {
    let query = web::Query::<ListQuery>::from_query(asked.query).ok()?;
    let (name, request) = request(asked.maybe_viewer(), asked.id?, list, &query).ok()?;
    let rows = relations.recall_list(request)?;
    told_page(asked, &page(&name, request, rows))
}

/// What is asked for, and what its cursors are bound to.
fn request(
    viewer: MaybeViewer,
    owner: UserId,
    list: List,
    query: &ListQuery,
) -> Result<(String, ListRequest), Problem> {
    let order = query.order();
    let name = name(list, owner, order);
    let page = PageRequest::parse(&name, query.limit.as_deref(), query.cursor.as_deref())?;
    let request = ListRequest { list, owner, order, page, viewer: viewer.0, expand: query.expand() };
    Ok((name, request))
}

fn page(name: &str, request: ListRequest, rows: Vec<ListRow>) -> Page<Listing> {
    let Page { items, next_cursor } = request.page.page(name, rows, |row| row.entry.position());
    let items = items.into_iter().map(|row| Listing::new(row, request.viewer.is_some())).collect();
    Page { items, next_cursor }
}

/// One of the caller's own lists, newest first.
pub(super) async fn own_list<T>(
    relations: &RelationHandle,
    viewer: Viewer,
    list: List,
    query: &OwnQuery,
    row: impl Fn(Entry) -> T,
) -> Result<Listed<T>, Problem> {
    let (owner, order) = (viewer.id, Order::Newest);
    let name = name(list, owner, order);
    let page = PageRequest::parse(&name, query.limit.as_deref(), query.cursor.as_deref())?;
    let request = ListRequest { list, owner, order, page, viewer: Some(owner), expand: false };
    let page = page.page(&name, relations.list(request).await?, |row| row.entry.position());
    let items = page.items.into_iter().map(|listed| row(listed.entry)).collect();
    Ok(listed(Page { items, next_cursor: page.next_cursor }))
}

/// What a cursor is bound to.
fn name(list: List, owner: UserId, order: Order) -> String {
    format!("{list:?}:{owner}:{order:?}")
}
