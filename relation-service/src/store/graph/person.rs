//! A person as every question needs them.

use shared::cache::Weigh;
use shared::facts::UserFacts;

use crate::domain::CountDelta;

/// What is known about a person, and their counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What user-service told.
    pub facts: UserFacts,
    /// How many edges there are.
    pub counts: CountDelta,
}

impl Weigh for Person {
    fn weight(&self) -> usize {
        let UserFacts { username, display_name, avatar_url, .. } = &self.facts;
        let texts = username.capacity() + display_name.capacity();
        size_of::<Self>() + texts + avatar_url.as_ref().map_or(0, String::capacity)
    }
}
