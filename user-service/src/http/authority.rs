//! Callers with a role: the one place where a request is refused for want of one. The role is the one that the caller
//! has now; a token does not say it.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use shared::http::Viewer;
use shared::id::UserId;
use shared::problem::Problem;

use crate::domain::account::Role;
use crate::handle::UserHandle;

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
