//! Everybody who follows a person, some at a time.

use diesel::sql_types::BigInt;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, query};
use shared::id::UserId;

use super::fact;
use super::pair::{FOLLOW, Key, edges};
use crate::domain::{Edge, Shard};

/// One who follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follower {
    /// Who.
    pub user: UserId,
    /// Since when.
    pub since: Micros,
    /// Whether they asked to be notified.
    pub notify: bool,
}

/// A place among a person's followers: the key of `edges_in` below the person and the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    neg_since: i64,
    source: i64,
}

impl Place {
    /// Before all of them.
    pub const START: Self = Self { neg_since: i64::MIN, source: i64::MIN };
}

/// Looks at the next `rows` followers of `owner`, newest first. Returns those who are in the shard and not hidden, and
/// from where to go on; nowhere at the end.
pub fn page(
    conn: &mut Conn,
    owner: UserId,
    shard: Shard,
    after: Place,
    rows: usize,
) -> Result<(Vec<Follower>, Option<Place>), StoreError> {
    let text = "SELECT source, neg_since FROM edges_in
                WHERE target = ? AND state = ? AND (neg_since, source) > (?, ?)
                ORDER BY neg_since, source LIMIT ?";
    let limit = i64::try_from(rows).unwrap_or(i64::MAX);
    let binds = [owner.get(), FOLLOW, after.neg_since, after.source, limit].map(Value::Int);
    let found: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, text, &binds)?;
    let next = found.last().filter(|_| found.len() >= rows);
    let next = next.map(|&(source, neg_since)| Place { neg_since, source });
    let users: Vec<UserId> = found.into_iter().map(|(source, _)| UserId::new(source)).collect();
    let users: Vec<UserId> = users.into_iter().filter(|user| shard.holds(*user)).collect();
    // In key order, neighbouring rows share pages.
    let mut keys: Vec<Key> = users.iter().map(|&user| (user, owner)).collect();
    keys.sort_unstable();
    let edges = edges(conn, &keys)?;
    let hidden = fact::hidden_among(conn, &users)?;
    let shown = users.into_iter().filter(|user| !hidden.contains(user));
    let follower = |user| match edges.get(&(user, owner)) {
        Some(&Edge::Follow { since, notify }) => Ok(Follower { user, since, notify }),
        _ => Err(StoreError::Unreadable(format!("the follow of {owner} by {user} is there only once"))),
    };
    Ok((shown.map(follower).collect::<Result<_, _>>()?, next))
}
