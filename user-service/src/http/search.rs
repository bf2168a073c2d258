//! Searching for people.

use actix_web::{get, web};
use serde::Deserialize;
use shared::http::{Listed, MaybeViewer, listed};
use shared::page::{Page, PageRequest};
use shared::problem::{Problem, Refusals};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::views::PublicView;
use crate::domain::search::Query;
use crate::handle::UserHandle;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(search);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// A name, the beginning of one, or words of one. A leading `@`, case and accents make no difference.
    #[param(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1F\x7F-\x9F]+$", example = "zoe mul")]
    q: String,
    /// 1 to 100, more is taken as 100; 20 if left out.
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<String>,
    /// `next_cursor` of the page before, of the same `q`.
    cursor: Option<String>,
}

/// Search for people
///
/// The username that is `q`; usernames that begin with it, by the alphabet; words of usernames and display names, or
/// beginnings of such, in any order; the same with one wrong, missing, additional or swapped letter a word, and
/// look-alikes. Within each, whole words come before beginnings, near spellings before others, and older accounts
/// first. At most 500 people over all pages. 400 `invalid_query` if `q` is empty, longer than 64 characters or has
/// control characters; 400 `invalid_cursor` if the cursor is damaged or of another `q`.
///
/// Who is signed in does not find those whom they block or who block them. Where relation-service cannot be asked about
/// that, they are answered 503 `unavailable`.
#[utoipa::path(tag = "users", params(SearchQuery), security((), ("user" = [])),
    responses((status = 200, description = "People, the best match first", body = Page<PublicView>), Refusals))]
#[get("/v1/users/search")]
async fn search(
    viewer: MaybeViewer,
    asked: web::Query<SearchQuery>,
    users: web::Data<UserHandle>,
) -> Result<Listed<PublicView>, Problem> {
    let query = Query::parse(&asked.q).map_err(|problem| {
        Problem::malformed("invalid_query", format!("The query cannot be read: {problem}."))
    })?;
    let list = query.list();
    let page = PageRequest::parse(&list, asked.limit.as_deref(), asked.cursor.as_deref())?;
    let found = users.search(viewer.0, query, page).await?;
    let Page { items, next_cursor } = page.page(&list, found, |(place, _)| *place);
    Ok(listed(Page { items: items.into_iter().map(|(_, user)| user.into()).collect(), next_cursor }))
}
