//! Reading counts.

use shared::db::{Conn, StoreError};
use shared::id::UserId;

use super::{Known, RelationError, RelationHandle};
use crate::domain::{CountDelta, Onlooker, Pair, may_see_counts};
use crate::store;

/// One person's counts for a viewer: `None` for who is not there, `Some(None)` where they are not shown.
pub type SeenCounts = Option<Option<CountDelta>>;

impl RelationHandle {
    /// The counts of `users`, in their order.
    pub async fn counts(
        &self,
        viewer: Option<UserId>,
        users: Vec<UserId>,
    ) -> Result<Vec<(UserId, SeenCounts)>, RelationError> {
        self.read_known(move |conn| read(conn, viewer, &users)).await
    }
}

fn read(
    conn: &mut Conn,
    viewer: Option<UserId>,
    users: &[UserId],
) -> Result<Known<Vec<(UserId, SeenCounts)>>, StoreError> {
    let known = store::fact::known(conn, users)?;
    let counts = store::count::counts(conn, users)?;
    let keys: Vec<_> =
        viewer.iter().flat_map(|&viewer| users.iter().map(move |&user| (viewer, user))).collect();
    let pairs = store::pair::pairs(conn, &keys)?;
    let onlooker = |user| match viewer {
        Some(viewer) if viewer == user => Onlooker::Owner,
        Some(viewer) => Onlooker::Other(pairs.get(&(viewer, user)).copied().unwrap_or_default()),
        None => Onlooker::Other(Pair::default()),
    };
    let seen = |user: UserId| -> SeenCounts {
        let shown = may_see_counts(&known.get(&user)?.facts, onlooker(user)).ok()?;
        Some(shown.then(|| counts.get(&user).copied().unwrap_or_default()))
    };
    let value = users.iter().map(|&user| (user, seen(user))).collect();
    let unknown = users.iter().filter(|user| !known.contains_key(user)).copied().collect();
    Ok(Known { value, unknown })
}
