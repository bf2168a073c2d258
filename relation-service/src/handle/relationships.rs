//! How a person stands to others.

use shared::clock::Micros;
use shared::facts::AccountStatus;
use shared::id::UserId;

use super::ask::Question;
use super::{RelationError, RelationHandle};
use crate::domain::{Pair, Refusal, Relationship};
use crate::store::pair::Key;
use crate::store::sight::{Needs, Sight};

/// How one person stands to another, as services are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What the person themselves are told.
    pub relationship: Relationship,
    /// The other blocks them, which they are not told.
    pub blocked_by: bool,
}

/// How somebody stands to others; `None` for who is not there.
pub type Standings = Vec<(UserId, Option<Standing>)>;

impl RelationHandle {
    /// The viewer's relationship to each of `targets`, in their order; `None` for who is not there.
    pub async fn relationships(
        &self,
        viewer: UserId,
        targets: Vec<UserId>,
    ) -> Result<Standings, RelationError> {
        self.ask_known(Relationships { viewer, targets, now: self.clock.now() }).await
    }

    /// The same, if memory has all of it.
    pub fn recall_relationships(&self, viewer: UserId, targets: Vec<UserId>) -> Option<Standings> {
        self.recall(&Relationships { viewer, targets, now: self.clock.now() })
    }

    /// The same for a service, which may name a `viewer` who is not there.
    pub async fn standings(&self, viewer: UserId, targets: Vec<UserId>) -> Result<Standings, RelationError> {
        let asked = Relationships { viewer, targets, now: self.clock.now() };
        let found = self.ask_known(ForService(asked)).await?;
        found.ok_or(RelationError::Refused(Refusal::UserNotFound))
    }
}

#[derive(Clone)]
struct Relationships {
    viewer: UserId,
    targets: Vec<UserId>,
    now: Micros,
}

impl Question for Relationships {
    type Answer = Standings;

    fn answer(&self, sight: &mut dyn Sight) -> Standings {
        let are_many = sight.needs_words(self.targets.len());
        if are_many {
            let keys: Vec<Key> = self.targets.iter().map(|&target| (self.viewer, target)).collect();
            let needs =
                Needs { people: &self.targets, pairs: &keys, marks: &keys, notes: &keys, ..Needs::default() };
            sight.prepare(needs);
        }
        let mut standing = |target| {
            if !are_many {
                sight.meet(self.viewer, target);
            }
            self.standing(sight, target)
        };
        self.targets.iter().map(|&target| (target, standing(target))).collect()
    }
}

impl Relationships {
    fn standing(&self, sight: &mut dyn Sight, target: UserId) -> Option<Standing> {
        let visible = sight.person(target)?.access.status == AccountStatus::Active;
        let (pair, marks) = (sight.pair(self.viewer, target), sight.marks(self.viewer, target));
        let note = sight.note(self.viewer, target);
        visible.then(|| Standing {
            relationship: Relationship::from_pair(Pair { marks, ..pair }, self.now).with_note(note),
            blocked_by: pair.backward.is_block(),
        })
    }
}

#[derive(Clone)]
struct ForService(Relationships);

impl Question for ForService {
    type Answer = Option<Standings>;

    fn answer(&self, sight: &mut dyn Sight) -> Option<Standings> {
        let found = self.0.answer(sight);
        sight.prepare(Needs { people: &[self.0.viewer], ..Needs::default() });
        let viewer = sight.person(self.0.viewer)?;
        (viewer.access.status == AccountStatus::Active).then_some(found)
    }
}
