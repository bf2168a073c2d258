//! Callers with a role: the one place where a request is refused for want of one. The role is the one that the caller
//! has now; a token does not say it. It is asked for before anything else of the request is looked at: who has none
//! learns nothing of what such a request may say.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest, web};
use shared::http::{Manners, Viewer, is_described};
use shared::id::UserId;
use shared::problem::Problem;

use crate::domain::account::Role;
use crate::handle::UserHandle;

/// Where the routes for moderators and admins are.
const FOR_ROLES: &str = "/v1/admin/";
/// What the path of those for admins alone ends with.
const FOR_ADMINS: &str = "/role";

/// A signed-in moderator or admin. Nobody is 401, anybody else 403 `forbidden`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moderator(pub(super) UserId);

/// A signed-in admin. Nobody is 401, anybody else 403 `forbidden`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admin(pub(super) UserId);

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

async fn with_role(request: HttpRequest, least: Role) -> Result<UserId, Problem> {
    let viewer = Viewer::extract(&request).await?;
    let users = request.app_data::<web::Data<UserHandle>>().cloned().ok_or_else(Problem::internal)?;
    users.require_role(viewer.id, least).await?;
    Ok(viewer.id)
}

impl FromRequest for Moderator {
    type Error = Problem;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { with_role(request, Role::Moderator).await.map(Self) })
    }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { with_role(request, Role::Admin).await.map(Self) })
    }
}

/// Refuses who has no role for what is asked, before the path, the query and the body are read.
pub struct RoleManners;

impl Manners for RoleManners {
    type Noted = ();

    async fn before(&self, request: &ServiceRequest) -> Result<(), Problem> {
        check_role(request).await
    }

    fn after(&self, (): (), _: &HttpRequest, _: &mut HeaderMap) {}
}

async fn check_role(request: &ServiceRequest) -> Result<(), Problem> {
    // As the router reads it, which decodes what needs no encoding.
    let path = request.match_info().as_str();
    if !path.starts_with(FOR_ROLES) || !is_described(request) {
        return Ok(());
    }
    let least = if path.ends_with(FOR_ADMINS) { Role::Admin } else { Role::Moderator };
    with_role(request.request().clone(), least).await.map(drop)
}
