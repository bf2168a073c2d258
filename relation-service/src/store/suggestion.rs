//! What suggestions are made of, each piece within a bound.

use diesel::sql_types::{BigInt, SmallInt};
use shared::db::{Conn, StoreError, Value, chunks, query};
use shared::id::UserId;

use super::pair::FOLLOW;

/// Edges of one person that are looked at: more than the settings let anybody hold.
const HELD_MAX: i64 = 400_000;

/// What a person holds.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// Towards whom, whatever it is.
    pub targets: Vec<UserId>,
    /// Whom they follow, the newest first, no more than was asked for.
    pub newest_follows: Vec<UserId>,
}

/// Everybody towards whom `user` holds something, and the `newest` whom they follow.
pub fn held(conn: &mut Conn, user: UserId, newest: usize) -> Result<Held, StoreError> {
    let text = "SELECT target, state, since FROM edges_out WHERE source = ? LIMIT ?";
    let rows: Vec<(i64, i16, i64)> =
        query::<(BigInt, SmallInt, BigInt), _>(conn, text, &[Value::Int(user.get()), Value::Int(HELD_MAX)])?;
    let follows = rows.iter().filter(|(_, state, _)| i64::from(*state) == FOLLOW);
    let mut follows: Vec<(i64, i64)> = follows.map(|&(target, _, since)| (since, target)).collect();
    follows.sort_unstable_by(|one, other| other.cmp(one));
    follows.truncate(newest);
    Ok(Held {
        targets: rows.into_iter().map(|(target, ..)| UserId::new(target)).collect(),
        newest_follows: follows.into_iter().map(|(_, target)| UserId::new(target)).collect(),
    })
}

/// Whom each of `people` follows, in no order. They hold so few edges that they may be read whole; no more than `limit`
/// are, whatever the counters said.
pub fn follows_of(
    conn: &mut Conn,
    people: &[UserId],
    limit: i64,
) -> Result<Vec<(UserId, UserId)>, StoreError> {
    let mut found = Vec::new();
    for piece in chunks(people) {
        let text = format!(
            "SELECT source, target FROM edges_out WHERE source IN ({}) AND state = ? LIMIT ?",
            vec!["?"; piece.len()].join(",")
        );
        let left = limit - i64::try_from(found.len()).unwrap_or(limit);
        let binds = piece.iter().map(|person| person.get()).chain([FOLLOW, left.max(0)]);
        let binds: Vec<Value<'_>> = binds.map(Value::Int).collect();
        let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, &text, &binds)?;
        found.extend(rows.into_iter().map(|(source, target)| (UserId::new(source), UserId::new(target))));
    }
    Ok(found)
}

/// Some whom `person` follows: those with the newest accounts, whom others have had the least time to find.
pub fn some_follows_of(conn: &mut Conn, person: UserId, limit: i64) -> Result<Vec<UserId>, StoreError> {
    let text = "SELECT target FROM edges_out WHERE source = ? AND state = ? ORDER BY target DESC LIMIT ?";
    let binds = [person.get(), FOLLOW, limit].map(Value::Int);
    Ok(query::<BigInt, i64>(conn, text, &binds)?.into_iter().map(UserId::new).collect())
}

/// Who was followed by at least `at_least` people within the newest `events` of the log, and by how many: at most
/// `limit`, the most first.
pub fn most_followed(
    conn: &mut Conn,
    events: i64,
    at_least: i64,
    limit: i64,
) -> Result<Vec<(UserId, u16)>, StoreError> {
    let newest = shared::db::log::head(conn)?.seq;
    // The log has one partition, 0.
    let text = "SELECT subject_id, COUNT(DISTINCT actor_id) FROM events
         WHERE partition = 0 AND seq > ? AND type = 'follow.created'
         GROUP BY subject_id HAVING COUNT(DISTINCT actor_id) >= ? ORDER BY 2 DESC, 1 LIMIT ?";
    let binds = [newest - events, at_least, limit].map(Value::Int);
    let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, text, &binds)?;
    let row = |(user, count)| (UserId::new(user), u16::try_from(count).unwrap_or(u16::MAX));
    Ok(rows.into_iter().map(row).collect())
}
