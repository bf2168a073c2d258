//! A person as every question needs them.

use std::sync::Arc;

use shared::cache::Weigh;
use shared::facts::UserFacts;

use crate::domain::CountDelta;

/// What is known about a person, and their counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What user-service told.
    pub facts: Arc<UserFacts>,
    /// How many edges there are.
    pub counts: CountDelta,
}

impl Weigh for Person {
    fn weight(&self) -> usize {
        let UserFacts { username, display_name, avatar_url, .. } = &*self.facts;
        let texts = username.capacity() + display_name.capacity();
        let facts = size_of::<UserFacts>() + 2 * size_of::<usize>();
        size_of::<Self>() + facts + texts + avatar_url.as_ref().map_or(0, String::capacity)
    }
}
