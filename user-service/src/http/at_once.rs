//! What is answered at once, where memory can tell.

use actix_web::http::header::{HeaderMap, IF_NONE_MATCH};
use shared::http::{AtOnce, Header, Quick};

use super::users;
use crate::handle::UserHandle;

impl AtOnce for UserHandle {
    const ROUTES: &'static [Quick<Self>] = &[Quick { path: "/v1/users/{id}", answer: users::recalled }];

    fn note(&self, headers: &HeaderMap) -> Option<Option<Header>> {
        (!headers.contains_key(IF_NONE_MATCH)).then_some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_at_once_is_described() {
        let described = crate::http::openapi().paths.paths;
        for quick in UserHandle::ROUTES {
            assert!(described.get(quick.path).is_some_and(|path| path.get.is_some()), "{}", quick.path);
        }
    }
}
