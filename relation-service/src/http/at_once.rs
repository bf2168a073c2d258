//! What is answered at once, where memory can tell.

use actix_web::http::header::HeaderMap;
use shared::http::{AtOnce, Header, Quick};

use super::{counts, lists, relationship, revision};
use crate::handle::RelationHandle;

impl AtOnce for RelationHandle {
    const ROUTES: &'static [Quick<Self>] = &[
        Quick { path: "/v1/me/relationships", answer: relationship::recalled },
        Quick { path: "/v1/users/{id}/counts", answer: counts::recalled },
        Quick { path: "/v1/users/{id}/followers", answer: lists::recalled_followers },
        Quick { path: "/v1/users/{id}/following", answer: lists::recalled_following },
    ];

    fn note(&self, headers: &HeaderMap) -> Option<Option<Header>> {
        revision::stated(self, headers).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_at_once_is_described() {
        let described = crate::http::openapi().paths.paths;
        for quick in RelationHandle::ROUTES {
            assert!(described.get(quick.path).is_some_and(|path| path.get.is_some()), "{}", quick.path);
        }
    }
}
