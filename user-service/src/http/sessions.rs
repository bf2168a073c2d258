//! Signing in, staying signed in, signing out.

use std::fmt;

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use shared::clock::Micros;
use shared::http::{Body, Listed, Network, Viewer, listed};
use shared::id::SessionId;
use shared::page::{Page, PageRequest, Position};
use shared::problem::{Problem, Refusals};
use shared::secret::Secret;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::idempotency::NetworkKey;
use super::rate_limit::{limit_logins, limit_refreshes};
use super::views::{RefreshedView, SignedInView, refreshed_answer, signed_in_answer};
use crate::domain::field::FieldProblem;
use crate::domain::login::RawCredentials;
use crate::handle::{Caller, UserError, UserHandle};
use crate::store::session::Session;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(refresh)
        .service(log_in)
        .service(sessions)
        // Before the route with an id, which it would match.
        .service(end_current)
        .service(end_one)
        .service(end_others);
}

/// Sign in
///
/// By username or e-mail address, in any case. 401 `invalid_credentials` for whatever is wrong. For an account with
/// two factors, and only with the right password: 401 `two_factor_required` without a code, `invalid_code` for one that
/// is wrong or was used. With an `Idempotency-Key`, the same request from the same network brings the same session for
/// 24 hours, its access token included, which may have expired by then. The 21st
/// session ends the oldest. An account that its owner deactivated is open again, as it was, and so is one whose suspension
/// is over; `Mutual-Pending: relation` says that relation-service will honour that a little later. 429 `rate_limited` after too
/// many logins from a network, or too many wrong passwords for a login, whether anybody has it or not. A device that
/// sends the last refresh token it had as `Mutual-Device` is not kept out by what others tried.
#[utoipa::path(tag = "sessions", request_body = RawCredentials,
    params(
        ("Mutual-Device" = Option<String>, Header, description = "A refresh token of mine that this device had"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters",
            min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    responses(
        (status = 201, description = "Signed in", body = SignedInView, links(
            ("person" = (operation_id = "by_id", parameters(("id" = "$response.body#/user/id")))),
            ("end" = (operation_id = "end_one", parameters(("id" = "$response.body#/session/id")))),
        )),
        (status = 401, description = "`invalid_credentials`"),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/sessions", wrap = "from_fn(limit_logins)")]
async fn log_in(
    caller: Caller,
    key: NetworkKey,
    body: Body<RawCredentials>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let signed_in = users.log_in(body.0, caller, key.0).await?;
    Ok(signed_in_answer(signed_in))
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshBody {
    #[schema(value_type = String)]
    refresh_token: Option<String>,
}

impl fmt::Debug for RefreshBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshBody(***)")
    }
}

/// Stay signed in
///
/// A refresh token is for one use and brings the next one. For 10 seconds it brings the same answer again, in
/// case that got lost; any later use is 401 `invalid_refresh_token` and ends the session. 429 `rate_limited` after too many
/// from a network that were refused.
#[utoipa::path(tag = "sessions", request_body = RefreshBody,
    responses(
        (status = 200, description = "The next tokens", body = RefreshedView),
        (status = 401, description = "`invalid_refresh_token`"),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/sessions/refresh", wrap = "from_fn(limit_refreshes)")]
async fn refresh(
    network: Network,
    body: Body<RefreshBody>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let missing = || UserError::from(vec![FieldProblem::required("refresh_token")]);
    let token = Secret::new(body.0.refresh_token.ok_or_else(missing)?);
    Ok(refreshed_answer(users.refresh(&token, network.to_string()).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// 1 to 100; 20 if left out.
    #[param(value_type = Option<i64>, minimum = 1)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
struct SessionItem {
    id: SessionId,
    /// Null if none was given.
    device_name: Option<String>,
    created_at: Micros,
    last_used_at: Micros,
    /// Whether this is the one that asks.
    current: bool,
}

/// Where I am signed in, newest first
#[utoipa::path(tag = "sessions", params(PageQuery), security(("user" = [])),
    responses(
        (status = 200, description = "A page", body = Page<SessionItem>, links(
            ("end" = (operation_id = "end_one", parameters(("id" = "$response.body#/items/0/id")))),
        )),
        Refusals,
    ))]
#[get("/v1/me/sessions")]
async fn sessions(
    viewer: Viewer,
    query: web::Query<PageQuery>,
    users: web::Data<UserHandle>,
) -> Result<Listed<SessionItem>, Problem> {
    let name = format!("sessions:{}", viewer.id);
    let request = PageRequest::parse(&name, query.limit.as_deref(), query.cursor.as_deref())?;
    // One person has few sessions: a page is cut from all of them.
    let live = users.sessions(viewer.id).await?;
    let rest =
        live.into_iter().filter(|session| request.after.is_none_or(|after| position(session).id < after.id));
    let page = request.page(
        &name,
        rest.take(usize::try_from(request.rows_to_load()).unwrap_or(0)).collect(),
        position,
    );
    let item = |session: Session| SessionItem {
        id: session.state.id,
        device_name: Some(session.device_name).filter(|name| !name.is_empty()),
        created_at: session.state.created_at,
        last_used_at: session.state.last_used_at,
        current: session.state.id == viewer.session,
    };
    Ok(listed(Page { items: page.items.into_iter().map(item).collect(), next_cursor: page.next_cursor }))
}

fn position(session: &Session) -> Position {
    Position { key: 0, id: session.state.id.get() }
}

/// Sign out
#[utoipa::path(tag = "sessions", security(("user" = [])),
    responses((status = 204, description = "This session has ended"), Refusals))]
#[delete("/v1/me/sessions/current")]
async fn end_current(viewer: Viewer, users: web::Data<UserHandle>) -> Result<HttpResponse, Problem> {
    users.end_session(viewer.id, viewer.session).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sign out elsewhere
///
/// 404 `session_not_found` if I have no such session.
#[utoipa::path(tag = "sessions", params(("id" = SessionId, Path, description = "Which")), security(("user" = [])),
    responses((status = 204, description = "The session has ended"), Refusals))]
#[delete("/v1/me/sessions/{id}")]
async fn end_one(
    viewer: Viewer,
    session: web::Path<SessionId>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    users.end_session(viewer.id, *session).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sign out everywhere else
#[utoipa::path(tag = "sessions", security(("user" = [])),
    responses((status = 204, description = "All other sessions have ended"), Refusals))]
#[delete("/v1/me/sessions")]
async fn end_others(viewer: Viewer, users: web::Data<UserHandle>) -> Result<HttpResponse, Problem> {
    users.end_other_sessions(viewer.id, viewer.session).await?;
    Ok(HttpResponse::NoContent().finish())
}
