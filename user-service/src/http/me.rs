//! One's own record.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, patch, web};
use shared::http::{Body, Json, Viewer};
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use super::etag::{IfNoneMatch, NotModified, if_changed, if_match, tagged};
use super::views::{OwnView, PENDING};
use crate::domain::privacy::{Privacy, RawPrivacyPatch};
use crate::domain::profile::RawProfilePatch;
use crate::handle::UserHandle;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(me).service(patch_me).service(privacy).service(patch_privacy);
}

/// Me
///
/// The `ETag` is what `If-Match` compares when I change something.
#[utoipa::path(tag = "me", security(("user" = [])),
    params(IfNoneMatch),
    responses(
        (status = 200, description = "My own view", body = OwnView, headers(("ETag", description = "Its version"))),
        NotModified,
        Refusals,
    ))]
#[get("/v1/me")]
async fn me(
    request: HttpRequest,
    viewer: Viewer,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let user = users.me(viewer.id).await?;
    Ok(if_changed(&request, user.version, &OwnView::from(user)))
}

/// Change my profile
///
/// A field that is left out stays as it is; null clears it. With `If-Match`, 412 `precondition_failed` if
/// the profile has changed since.
#[utoipa::path(tag = "me", request_body = RawProfilePatch, security(("user" = [])),
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of `GET /v1/me`")),
    responses(
        (status = 200, description = "My own view", body = OwnView, headers(("ETag", description = "Its version"))),
        (status = 412, description = "`precondition_failed`"),
        Refusals,
    ))]
#[patch("/v1/me")]
async fn patch_me(
    request: HttpRequest,
    viewer: Viewer,
    body: Body<RawProfilePatch>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let user = users.patch_profile(viewer.id, if_match(&request), body.0).await?;
    Ok(tagged(user.version, &OwnView::from(user)))
}

/// My privacy settings
#[utoipa::path(tag = "me", security(("user" = [])),
    responses((status = 200, description = "My settings", body = Privacy), Refusals))]
#[get("/v1/me/privacy")]
async fn privacy(viewer: Viewer, users: web::Data<UserHandle>) -> Result<Json<Privacy>, Problem> {
    Ok(Json(users.me(viewer.id).await?.privacy))
}

/// Change my privacy settings
///
/// A field that is left out stays as it is. Once this is answered with 200, relation-service honours it too;
/// 202 with `Mutual-Pending: relation` says that it will a little later.
#[utoipa::path(tag = "me", request_body = RawPrivacyPatch, security(("user" = [])), responses(
    (status = 200, description = "My settings now", body = Privacy),
    (status = 202, description = "My settings now; relation-service is behind", body = Privacy,
        headers(("Mutual-Pending", description = "`relation`"))),
    Refusals,
))]
#[patch("/v1/me/privacy")]
async fn patch_privacy(
    viewer: Viewer,
    body: Body<RawPrivacyPatch>,
    users: web::Data<UserHandle>,
) -> Result<HttpResponse, Problem> {
    let changed = users.patch_privacy(viewer.id, body.0).await?;
    if changed.pending {
        let mut response = HttpResponse::build(StatusCode::ACCEPTED);
        return Ok(response.insert_header(PENDING).json(changed.privacy));
    }
    Ok(HttpResponse::Ok().json(changed.privacy))
}
