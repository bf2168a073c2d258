//! How a person stands to others.

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::facts::AccountStatus;
use shared::id::UserId;

use super::{Known, RelationError, RelationHandle};
use crate::domain::Relationship;
use crate::store;

type Relationships = Vec<(UserId, Option<Relationship>)>;

impl RelationHandle {
    /// The viewer's relationship to each of `targets`, in their order; `None` for who is not there.
    pub async fn relationships(
        &self,
        viewer: UserId,
        targets: Vec<UserId>,
    ) -> Result<Relationships, RelationError> {
        let now = self.clock.now();
        self.read_known(move |conn| read(conn, viewer, &targets, now)).await
    }
}

fn read(
    conn: &mut Conn,
    viewer: UserId,
    targets: &[UserId],
    now: Micros,
) -> Result<Known<Relationships>, StoreError> {
    let known = store::fact::known(conn, targets)?;
    let keys: Vec<_> = targets.iter().map(|&target| (viewer, target)).collect();
    let pairs = store::pair::whole_pairs(conn, &keys)?;
    let mut notes = store::note::notes(conn, &keys)?;
    let mut relationship = |target: UserId| {
        let visible = known.get(&target)?.facts.status == AccountStatus::Active;
        let pair = pairs.get(&(viewer, target)).copied().unwrap_or_default();
        let note = notes.remove(&(viewer, target)).unwrap_or_default();
        visible.then(|| Relationship::from_pair(pair, now).with_note(note))
    };
    let value = targets.iter().map(|&target| (target, relationship(target))).collect();
    let unknown = targets.iter().filter(|target| !known.contains_key(target)).copied().collect();
    Ok(Known { value, unknown })
}
