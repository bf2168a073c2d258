//! Sessions that ended before their access tokens did.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::ACCESS_TOKEN_LIFE;
use crate::clock::Micros;
use crate::id::SessionId;

/// The sessions revoked within the life of an access token: older ones need no memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Revoked {
    ended: Arc<RwLock<HashMap<SessionId, Micros>>>,
}

impl Revoked {
    /// Remembers that `session` was revoked at `at`, and forgets those whose tokens have expired by then.
    pub fn add(&self, session: SessionId, at: Micros) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, revoked_at| at.since(*revoked_at) <= ACCESS_TOKEN_LIFE);
        ended.insert(session, at);
    }

    /// Whether tokens of `session` are to be refused.
    pub fn contains(&self, session: SessionId) -> bool {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        !ended.is_empty() && ended.contains_key(&session)
    }
}
