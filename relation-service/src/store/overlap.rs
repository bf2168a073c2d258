//! Those on one person's list whom another follows.
//!
//! The work is that of the smaller of the two lists, so a person with a million followers costs a viewer no
//! more than what the viewer follows. Nobody in an overlap is in a block with either of the two: a block ends
//! both follows.

use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::page::PageRequest;

use super::count;
use super::list::{Entry, List, Order, page};
use super::pair::{Key, edges};
use crate::domain::Edge;

/// Rows of the smaller list that are looked at: more than the settings let anybody follow and ask to.
const ROWS_MAX: i64 = 200_000;

/// Which list of the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    /// Who follows the owner.
    Followers,
    /// Whom the owner follows.
    Following,
}

impl With {
    fn list(self) -> List {
        match self {
            Self::Followers => List::Followers,
            Self::Following => List::Following,
        }
    }

    /// The edge that puts `user` on the owner's list.
    fn key(self, owner: UserId, user: UserId) -> Key {
        match self {
            Self::Followers => (user, owner),
            Self::Following => (owner, user),
        }
    }
}

/// All rows of the owner's list whom `viewer` follows, in no order, without hidden people. Each has the time
/// of the owner's list.
pub fn overlap(conn: &mut Conn, with: With, owner: UserId, viewer: UserId) -> Result<Vec<Entry>, StoreError> {
    let counts = count::counts(conn, &[owner, viewer])?;
    let counted = |user| counts.get(&user).copied().unwrap_or_default();
    let mine = counted(viewer).following.min(ROWS_MAX);
    let theirs = match with {
        With::Followers => counted(owner).followers,
        With::Following => counted(owner).following,
    };
    if theirs <= mine {
        let rows = some(conn, with.list(), owner, mine)?;
        // Counters leave out edges that a person's return is still bringing back.
        if i64::try_from(rows.len()).is_ok_and(|rows| rows <= mine) {
            let keys: Vec<Key> = rows.iter().map(|row| (viewer, row.user)).collect();
            let follows = edges(conn, &keys)?;
            let follows = |user| follows.get(&(viewer, user)).is_some_and(|edge| edge.is_follow());
            return Ok(rows.into_iter().filter(|row| follows(row.user)).collect());
        }
    }
    let candidates = some(conn, List::Following, viewer, ROWS_MAX)?;
    let keys: Vec<Key> = candidates.iter().map(|row| with.key(owner, row.user)).collect();
    let listed = edges(conn, &keys)?;
    let entry = |row: &Entry| match listed.get(&with.key(owner, row.user)) {
        Some(Edge::Follow { since, .. }) => Some(Entry { user: row.user, since: *since }),
        _ => None,
    };
    Ok(candidates.iter().filter_map(entry).collect())
}

/// At most one more than `limit` rows of a list.
fn some(conn: &mut Conn, list: List, owner: UserId, limit: i64) -> Result<Vec<Entry>, StoreError> {
    page(conn, list, owner, Order::Newest, PageRequest { limit, after: None }, None)
}
