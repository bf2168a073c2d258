//! What one does to one's own account.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, put, web};
use serde::Serialize;
use shared::clock::Micros;
use shared::facts::AccountStatus;
use shared::http::{Body, Viewer};
use shared::problem::{Problem, Refusals};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::etag::tagged;
use super::rate_limit::limit_logins;
use super::views::{OwnView, PENDING};
use crate::domain::password_change::{RawPasswordChange, RawProof};
use crate::domain::rename::RawRename;
use crate::handle::UserHandle;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(rename).service(change_password).service(deactivate).service(delete);
}

/// Change my username
///
/// Once in 30 days; sooner is 409 `renamed_recently`. For 30 days the old name still leads to me and is for
/// nobody else, but signs me in no more. 409 `username_taken` also for a name that looks like another's.
#[utoipa::path(tag = "me", request_body = RawRename, security(("user" = [])),
    responses(
        (status = 200, description = "My own view", body = OwnView),
        (status = 409, description = "`username_taken`, `renamed_recently`"),
        Refusals,
    ))]
#[put("/v1/me/username")]
async fn rename(
    viewer: Viewer,
    body: Body<RawRename>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let user = users.rename(viewer.id, body.0).await?;
    Ok(tagged(user.version, &OwnView::from(user)))
}

/// Change my password
///
/// Ends all my other sessions. 403 `wrong_password` if the current one is wrong. A try counts as a login.
#[utoipa::path(tag = "me", request_body = RawPasswordChange, security(("user" = [])),
    responses(
        (status = 204, description = "The new password is in force"),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[put("/v1/me/password", wrap = "from_fn(limit_logins)")]
async fn change_password(
    viewer: Viewer,
    body: Body<RawPasswordChange>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    users.change_password(viewer.id, viewer.session, body.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What became of my account.
#[derive(Debug, Serialize, ToSchema)]
struct AccountClosed {
    /// `deactivated`.
    status: AccountStatus,
}

/// Deactivate my account
///
/// Hidden everywhere, and signed out everywhere, until the next login restores it exactly. 403 `wrong_password` if
/// the password is wrong; a try counts as a login. `Mutual-Pending: relation` says that relation-service will
/// honour it a little later.
#[utoipa::path(tag = "me", request_body = RawProof, security(("user" = [])),
    responses(
        (status = 202, description = "The account is hidden", body = AccountClosed),
        (status = 409, description = "`last_admin`"),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/me/deactivation", wrap = "from_fn(limit_logins)")]
async fn deactivate(
    viewer: Viewer,
    body: Body<RawProof>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let pending = users.deactivate(viewer.id, viewer.session, body.0).await?;
    let mut response = HttpResponse::Accepted();
    if pending {
        response.insert_header(PENDING);
    }
    Ok(response.json(AccountClosed { status: AccountStatus::Deactivated }))
}

/// When my account is gone.
#[derive(Debug, Serialize, ToSchema)]
struct DeletionBegun {
    /// From then on nothing restores the account, and everything of it is removed.
    purge_at: Micros,
}

/// Delete my account
///
/// Hidden everywhere, and signed out everywhere, at once. A login before `purge_at` restores it exactly and takes this
/// back; after it nothing of me is left. 403 `wrong_password` if the password is wrong; a try counts as a login.
/// `Mutual-Pending: relation` says that relation-service will honour it a little later.
#[utoipa::path(tag = "me", request_body = RawProof, security(("user" = [])),
    responses(
        (status = 202, description = "The account is hidden, and will be purged", body = DeletionBegun),
        (status = 409, description = "`last_admin`"),
        (status = 429, description = "`rate_limited`"),
        Refusals,
    ))]
#[post("/v1/me/deletion", wrap = "from_fn(limit_logins)")]
async fn delete(
    viewer: Viewer,
    body: Body<RawProof>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let (purge_at, pending) = users.delete_account(viewer.id, viewer.session, body.0).await?;
    let mut response = HttpResponse::Accepted();
    if pending {
        response.insert_header(PENDING);
    }
    Ok(response.json(DeletionBegun { purge_at }))
}
