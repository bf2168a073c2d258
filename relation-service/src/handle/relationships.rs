//! How a person stands to others.

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::facts::AccountStatus;
use shared::id::UserId;

use super::{Known, RelationError, RelationHandle};
use crate::domain::{Refusal, Relationship};
use crate::store;

/// How one person stands to another, as services are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What the person themselves are told.
    pub relationship: Relationship,
    /// The other blocks them, which they are not told.
    pub blocked_by: bool,
}

type Standings = Vec<(UserId, Option<Standing>)>;

impl RelationHandle {
    /// The viewer's relationship to each of `targets`, in their order; `None` for who is not there.
    pub async fn relationships(
        &self,
        viewer: UserId,
        targets: Vec<UserId>,
    ) -> Result<Standings, RelationError> {
        let now = self.clock.now();
        self.read_known(move |conn| read(conn, viewer, &targets, now)).await
    }

    /// The same for a service, which may name a `viewer` who is not there.
    pub async fn standings(&self, viewer: UserId, targets: Vec<UserId>) -> Result<Standings, RelationError> {
        let now = self.clock.now();
        let found = self.read_known(move |conn| read_for_service(conn, viewer, &targets, now)).await?;
        found.ok_or(RelationError::Refused(Refusal::UserNotFound))
    }
}

fn read_for_service(
    conn: &mut Conn,
    viewer: UserId,
    targets: &[UserId],
    now: Micros,
) -> Result<Known<Option<Standings>>, StoreError> {
    let Known { value, mut unknown } = read(conn, viewer, targets, now)?;
    let facts = store::fact::known_one(conn, viewer)?;
    if facts.is_none() {
        unknown.push(viewer);
    }
    let there = facts.is_some_and(|facts| facts.status == AccountStatus::Active);
    Ok(Known { value: there.then_some(value), unknown })
}

fn read(
    conn: &mut Conn,
    viewer: UserId,
    targets: &[UserId],
    now: Micros,
) -> Result<Known<Standings>, StoreError> {
    let known = store::fact::known(conn, targets)?;
    let keys: Vec<_> = targets.iter().map(|&target| (viewer, target)).collect();
    let pairs = store::pair::whole_pairs(conn, &keys)?;
    let mut notes = store::note::notes(conn, &keys)?;
    let mut standing = |target: UserId| {
        let visible = known.get(&target)?.facts.status == AccountStatus::Active;
        let pair = pairs.get(&(viewer, target)).copied().unwrap_or_default();
        let note = notes.remove(&(viewer, target)).unwrap_or_default();
        visible.then(|| Standing {
            relationship: Relationship::from_pair(pair, now).with_note(note),
            blocked_by: pair.backward.is_block(),
        })
    };
    let value = targets.iter().map(|&target| (target, standing(target))).collect();
    let unknown = targets.iter().filter(|target| !known.contains_key(target)).copied().collect();
    Ok(Known { value, unknown })
}
