//! Counters: read as they stand, changed by differences in the transaction of the edges.

use std::collections::HashMap;

use diesel::sql_types::{BigInt, Integer};
use shared::db::{Conn, StoreError, Value, chunks, execute, query};
use shared::facts::AccountStatus;
use shared::id::UserId;

use super::graph::{Told, Transaction};
use super::pair::{self, Key, int_binds};
use super::sweep::Kind;
use super::{fact, rows_of_binds, shadow};
use crate::domain::{CountDelta, Pair, Shadow, shadow_delta};

/// The sweeps that take people out of the counters of others, or put them back.
const COUNTING: i16 = Kind::Count.code();

type Row = (i64, i64, i64, i64, i64, i64, i64);
type RowSql = (BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt);

/// The counters of `users`; one who has never had an edge is not in the map, and has zero of each.
pub fn counts(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, CountDelta>, StoreError> {
    let mut found = HashMap::with_capacity(users.len());
    for piece in chunks(users) {
        // As a text: diesel prepares a list of its own anew each time.
        let text = format!(
            "SELECT user_id, followers, following, friends, requests_received, requests_sent, blocks
             FROM counters WHERE user_id IN ({})",
            vec!["?"; piece.len()].join(",")
        );
        let binds: Vec<Value<'_>> = piece.iter().map(|user| Value::Int(user.get())).collect();
        let rows: Vec<Row> = query::<RowSql, _>(conn, &text, &binds)?;
        found.extend(rows.into_iter().map(|row| (UserId::new(row.0), counts_of(row))));
    }
    Ok(found)
}

/// The counters of `users` as they are to be shown: as if the sweeps that are under way for people who were hidden or
/// came back had ended (R45). As of one moment only inside a transaction.
pub fn shown(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, CountDelta>, StoreError> {
    let mut found = HashMap::with_capacity(users.len());
    let mut lag = false;
    for piece in chunks(users) {
        // One statement for both: nearly always, nothing lags.
        let text = format!(
            "SELECT user_id, followers, following, friends, requests_received, requests_sent, blocks,
                CASE WHEN EXISTS (SELECT 1 FROM sweeps WHERE kind = {COUNTING}) THEN 1 ELSE 0 END
             FROM counters WHERE user_id IN ({})",
            vec!["?"; piece.len()].join(",")
        );
        let binds: Vec<Value<'_>> = piece.iter().map(|user| Value::Int(user.get())).collect();
        let rows: Vec<(Row, i32)> = query::<(RowSql, Integer), _>(conn, &text, &binds)?;
        for (row, counting) in rows {
            found.insert(UserId::new(row.0), counts_of(row));
            lag |= counting != 0;
        }
    }
    if lag {
        let users: Vec<UserId> = found.keys().copied().collect();
        for (user, delta) in behind(conn, &users)? {
            *found.entry(user).or_default() += delta;
        }
    }
    Ok(found)
}

/// What is still to be added to the counters of `users` for those who are being counted out or in.
fn behind(conn: &mut Conn, users: &[UserId]) -> Result<Vec<(UserId, CountDelta)>, StoreError> {
    let mut keys: Vec<Key> = Vec::new();
    for piece in chunks(users) {
        let some = vec!["?"; piece.len()].join(",");
        let text = format!(
            "SELECT e.source, e.target FROM sweeps s JOIN edges_out e ON e.target = s.user_id
             WHERE s.kind = {COUNTING} AND e.source IN ({some})
             UNION SELECT e.target, e.source FROM sweeps s JOIN edges_out e ON e.source = s.user_id
             WHERE s.kind = {COUNTING} AND e.target IN ({some})"
        );
        let binds: Vec<Value<'_>> = piece.iter().chain(piece).map(|user| Value::Int(user.get())).collect();
        let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, &text, &binds)?;
        keys.extend(rows.into_iter().map(|(user, other)| (UserId::new(user), UserId::new(other))));
    }
    let mut swept: Vec<UserId> = keys.iter().map(|key| key.1).collect();
    swept.sort_unstable();
    swept.dedup();
    let known = fact::known(conn, &swept)?;
    let shadows = shadow::shadows(conn, &swept)?;
    let delta = |((user, other), pair): (Key, Pair)| {
        let active = known.get(&other).is_some_and(|other| other.facts.status == AccountStatus::Active);
        let end = if active { Shadow::NONE } else { Shadow::WHOLE };
        let now = shadows.get(&other).copied().unwrap_or_default();
        (user, shadow_delta(pair, user, now, end))
    };
    Ok(pair::pairs(conn, &keys)?.into_iter().map(delta).collect())
}

fn counts_of(
    (_, followers, following, friends, requests_received, requests_sent, blocks): Row,
) -> CountDelta {
    CountDelta { followers, following, friends, requests_received, requests_sent, blocks }
}

/// Adds the differences, one row a user: a thousand follows of one person are one change of one row.
pub fn add(tx: &mut Transaction<'_>, deltas: &HashMap<UserId, CountDelta>) -> Result<(), StoreError> {
    let mut rows: Vec<[i64; 7]> = deltas
        .iter()
        .filter(|(_, delta)| !delta.is_zero())
        .map(|(user, d)| {
            [user.get(), d.followers, d.following, d.friends, d.requests_received, d.requests_sent, d.blocks]
        })
        .collect();
    // In the order of the key, neighbouring rows share pages.
    rows.sort_unstable();
    let (grow, shrink): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row[1..].iter().all(|n| *n >= 0));
    for piece in chunks(&grow) {
        let text = format!(
            "INSERT INTO counters
                (user_id, followers, following, friends, requests_received, requests_sent, blocks) VALUES {}
             ON CONFLICT (user_id) DO UPDATE SET
                followers = counters.followers + excluded.followers,
                following = counters.following + excluded.following,
                friends = counters.friends + excluded.friends,
                requests_received = counters.requests_received + excluded.requests_received,
                requests_sent = counters.requests_sent + excluded.requests_sent,
                blocks = counters.blocks + excluded.blocks",
            rows_of_binds(piece.len(), 7)
        );
        execute(tx.conn, &text, &int_binds(piece))?;
    }
    take_from(tx.conn, &shrink)?;
    tx.tell(|| Told::Counts(deltas.clone()));
    Ok(())
}

/// A difference below zero cannot be inserted, since the check looks at it alone; nor does it have to be, since what it
/// is taken from was counted before.
fn take_from(conn: &mut Conn, rows: &[[i64; 7]]) -> Result<(), StoreError> {
    for piece in chunks(rows) {
        let text = format!(
            "UPDATE counters SET
                followers = followers + v.column2, following = following + v.column3,
                friends = friends + v.column4, requests_received = requests_received + v.column5,
                requests_sent = requests_sent + v.column6, blocks = blocks + v.column7
             FROM (VALUES {}) AS v WHERE user_id = v.column1",
            rows_of_binds(piece.len(), 7)
        );
        if execute(conn, &text, &int_binds(piece))? != piece.len() {
            return Err(StoreError::Unreadable("edges end that no counter has counted".into()));
        }
    }
    Ok(())
}
