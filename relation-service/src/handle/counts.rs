//! Reading counts.

use shared::id::UserId;

use super::ask::Question;
use super::{RelationError, RelationHandle, onlooker};
use crate::domain::{CountDelta, may_see_counts};
use crate::store::pair::Key;
use crate::store::sight::{Needs, Sight};

/// One person's counts for a viewer: `None` for who is not there, `Some(None)` where they are not shown.
pub type SeenCounts = Option<Option<CountDelta>>;

impl RelationHandle {
    /// The counts of `users`, in their order.
    pub async fn counts(
        &self,
        viewer: Option<UserId>,
        users: Vec<UserId>,
    ) -> Result<Vec<(UserId, SeenCounts)>, RelationError> {
        self.ask_known(Counts { viewer, users }).await
    }

    /// The same of one person, if memory has them.
    pub fn recall_counts(&self, viewer: Option<UserId>, user: UserId) -> Option<SeenCounts> {
        let found = self.recall(&Counts { viewer, users: vec![user] })?;
        found.into_iter().next().map(|(_, seen)| seen)
    }
}

#[derive(Clone)]
struct Counts {
    viewer: Option<UserId>,
    users: Vec<UserId>,
}

impl Question for Counts {
    type Answer = Vec<(UserId, SeenCounts)>;

    fn answer(&self, sight: &mut dyn Sight) -> Self::Answer {
        let are_many = sight.needs_words(self.users.len());
        if are_many {
            let keys: Vec<Key> = self
                .viewer
                .iter()
                .flat_map(|&viewer| self.users.iter().map(move |&user| (viewer, user)))
                .collect();
            let needs = Needs { people: &self.users, shown: &self.users, pairs: &keys, ..Needs::default() };
            sight.prepare(needs);
        }
        let mut seen = |user| {
            if let Some(viewer) = self.viewer.filter(|_| !are_many) {
                sight.meet(viewer, user);
            }
            self.seen(sight, user)
        };
        self.users.iter().map(|&user| (user, seen(user))).collect()
    }
}

impl Counts {
    fn seen(&self, sight: &mut dyn Sight, user: UserId) -> SeenCounts {
        let person = sight.person(user)?;
        let shown = may_see_counts(person.access, onlooker(sight, self.viewer, user)).ok()?;
        Some(shown.then(|| sight.counts(user, person)))
    }
}
