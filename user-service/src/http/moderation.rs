//! What moderators and admins do to others' accounts.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, delete, put, web};
use shared::http::{Body, OptionalBody};
use shared::id::UserId;
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use super::authority::{Admin, Moderator};
use super::roster::RosterView;
use super::views::PENDING;
use crate::domain::moderation::{RawReason, RawRole, RawSuspension};
use crate::handle::{Moderated, UserHandle};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(suspend).service(unsuspend).service(verify).service(unverify).service(set_role);
}

fn answer(Moderated { row, pending }: Moderated) -> HttpResponse {
    let mut response = HttpResponse::build(if pending { StatusCode::ACCEPTED } else { StatusCode::OK });
    if pending {
        response.insert_header(PENDING);
    }
    response.json(RosterView::from(row))
}

/// Suspend a person
///
/// Hidden everywhere and signed out everywhere, until `until` if that is said; repeating it replaces why and until
/// when. For moderators; moderators and admins are suspended by admins. 403 `not_on_yourself`; 409 `last_admin`. 202
/// with `Mutual-Pending: relation` says that relation-service will honour it a little later.
#[utoipa::path(tag = "moderation", params(("id" = UserId, Path, description = "Whom")),
    request_body = RawSuspension, security(("user" = [])), responses(
    (status = 200, description = "The person now", body = RosterView),
    (status = 202, description = "The person now; relation-service is behind", body = RosterView),
    (status = 409, description = "`last_admin`"),
    Refusals,
))]
#[put("/v1/admin/users/{id}/suspension")]
async fn suspend(
    moderator: Moderator,
    subject: web::Path<UserId>,
    body: Body<RawSuspension>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(users.suspend(moderator.0, *subject, body.0).await?))
}

/// End a suspension
///
/// The account is what it was before: also deactivated, if it was that.
#[utoipa::path(tag = "moderation", params(("id" = UserId, Path, description = "Whose")),
    request_body(content = Option<RawReason>), security(("user" = [])), responses(
    (status = 200, description = "The person now", body = RosterView),
    (status = 202, description = "The person now; relation-service is behind", body = RosterView),
    Refusals,
))]
#[delete("/v1/admin/users/{id}/suspension")]
async fn unsuspend(
    moderator: Moderator,
    subject: web::Path<UserId>,
    body: OptionalBody<RawReason>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(users.unsuspend(moderator.0, *subject, body.0).await?))
}

/// Give a person the badge
///
/// For moderators; moderators and admins get it from admins.
#[utoipa::path(tag = "moderation", params(("id" = UserId, Path, description = "Whom")),
    request_body(content = Option<RawReason>), security(("user" = [])),
    responses((status = 200, description = "The person now", body = RosterView), Refusals))]
#[put("/v1/admin/users/{id}/verification")]
async fn verify(
    moderator: Moderator,
    subject: web::Path<UserId>,
    body: OptionalBody<RawReason>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(users.set_badge(moderator.0, *subject, true, body.0).await?))
}

/// Take the badge from a person
#[utoipa::path(tag = "moderation", params(("id" = UserId, Path, description = "Whom")),
    request_body(content = Option<RawReason>), security(("user" = [])),
    responses((status = 200, description = "The person now", body = RosterView), Refusals))]
#[delete("/v1/admin/users/{id}/verification")]
async fn unverify(
    moderator: Moderator,
    subject: web::Path<UserId>,
    body: OptionalBody<RawReason>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(users.set_badge(moderator.0, *subject, false, body.0).await?))
}

/// Give a person a role
///
/// For admins. It counts from the next request on. 403 `not_on_yourself` for who would demote themselves; 409
/// `last_admin`.
#[utoipa::path(tag = "moderation", params(("id" = UserId, Path, description = "Whom")),
    request_body = RawRole, security(("user" = [])),
    responses(
        (status = 200, description = "The person now", body = RosterView),
        (status = 409, description = "`last_admin`"),
        Refusals,
    ))]
#[put("/v1/admin/users/{id}/role")]
async fn set_role(
    admin: Admin,
    subject: web::Path<UserId>,
    body: Body<RawRole>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(users.set_role(admin.0, *subject, body.0).await?))
}
