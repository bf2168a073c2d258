//! A person as questions need them.

use std::sync::Arc;

use shared::cache::Weigh;
use shared::facts::{Access, UserFacts};

use crate::domain::CountDelta;

/// What is known about a person, and their counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    brief: Brief,
    card: Card,
}

/// What most questions ask about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// Who may see and address them.
    pub access: Access,
    /// How many edges there are.
    pub counts: CountDelta,
}

impl Person {
    /// Of what user-service told, and the counters.
    pub fn new(facts: &UserFacts, counts: CountDelta) -> Self {
        Self { brief: Brief { access: facts.access(), counts }, card: Card::new(facts) }
    }

    /// What most questions ask.
    pub const fn brief(&self) -> Brief {
        self.brief
    }

    /// Reads some of what lists show.
    pub(super) fn touch(&self) -> u64 {
        self.card.texts.as_bytes().first().copied().map_or(0, u64::from)
    }

    /// As lists show them.
    pub const fn card(&self) -> &Card {
        &self.card
    }

    /// Takes in what user-service told.
    pub fn learn(&mut self, facts: &UserFacts) {
        *self = Self::new(facts, self.brief.counts);
    }

    /// Moves the counters.
    pub fn count(&mut self, delta: CountDelta) {
        self.brief.counts += delta;
    }
}

impl Weigh for Person {
    /// The texts, and the two counts of their `Arc`.
    fn weight(&self) -> usize {
        self.card.texts.len() + 2 * size_of::<usize>()
    }
}

/// A person as lists show them. All texts are in one place, so that a card costs one look at distant memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The name, the name for people, the address of the picture.
    texts: Arc<str>,
    /// Where the name ends.
    username_end: u32,
    /// Where the name for people ends.
    display_name_end: u32,
    has_avatar: bool,
    verified: bool,
    private_account: bool,
}

impl Card {
    /// Of what user-service told.
    pub fn new(facts: &UserFacts) -> Self {
        let UserFacts { username, display_name, avatar_url, verified, private_account, .. } = facts;
        let end = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        Self {
            texts: [username, display_name, avatar_url.as_deref().unwrap_or("")].concat().into(),
            username_end: end(username.len()),
            display_name_end: end(username.len() + display_name.len()),
            has_avatar: avatar_url.is_some(),
            verified: *verified,
            private_account: *private_account,
        }
    }

    fn text(&self, from: u32, to: Option<u32>) -> &str {
        let place = |end: u32| usize::try_from(end).unwrap_or(usize::MAX);
        let to = to.map_or(self.texts.len(), place);
        self.texts.get(place(from)..to).unwrap_or("")
    }

    /// The name, in lower case.
    pub fn username(&self) -> &str {
        self.text(0, Some(self.username_end))
    }

    /// The name for people.
    pub fn display_name(&self) -> &str {
        self.text(self.username_end, Some(self.display_name_end))
    }

    /// The picture.
    pub fn avatar_url(&self) -> Option<&str> {
        self.has_avatar.then(|| self.text(self.display_name_end, None))
    }

    /// The badge.
    pub const fn verified(&self) -> bool {
        self.verified
    }

    /// Only those whom the person accepts see more than the profile.
    pub const fn private_account(&self) -> bool {
        self.private_account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_says_what_was_told() {
        for (username, display_name, avatar_url) in
            [("ada", "Ada \u{e9}", Some("https://x/y")), ("b", "", None), ("", "", Some(""))]
        {
            let facts = UserFacts {
                username: username.into(),
                display_name: display_name.into(),
                avatar_url: avatar_url.map(str::to_owned),
                verified: true,
                private_account: false,
                ..UserFacts::of_nobody()
            };
            let card = Card::new(&facts);
            assert_eq!(
                (card.username(), card.display_name(), card.avatar_url()),
                (username, display_name, avatar_url)
            );
            assert_eq!((card.verified(), card.private_account()), (true, false));
        }
    }
}
