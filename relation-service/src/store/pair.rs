//! Pairs as rows: each edge by source in `edges_out`, and again by target in `edges_in`.

use std::collections::HashMap;

use diesel::sql_types::{BigInt, SmallInt};
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, chunks, execute, query};
use shared::id::UserId;

use super::graph::{Told, Transaction};
use super::rows_of_binds;
use crate::domain::{Edge, Pair};

/// The number that stands for a follow in `state`.
pub(super) const FOLLOW: i64 = 1;
/// The number that stands for a request in `state`.
pub(super) const REQUEST: i64 = 2;
/// The number that stands for a block in `state`.
pub(super) const BLOCK: i64 = 3;

/// Source and target.
pub type Key = (UserId, UserId);

/// The stored pairs of `keys` with what each side keeps about the other.
pub fn whole_pairs(conn: &mut Conn, keys: &[Key]) -> Result<HashMap<Key, Pair>, StoreError> {
    let mut pairs = pairs(conn, keys)?;
    let marks = super::mark::marks(conn, &both_ways(keys))?;
    if !marks.is_empty() {
        let of = |key: Key| marks.get(&key).copied().unwrap_or_default();
        for (&(source, target), pair) in &mut pairs {
            (pair.marks, pair.back_marks) = (of((source, target)), of((target, source)));
        }
    }
    Ok(pairs)
}

fn both_ways(keys: &[Key]) -> Vec<Key> {
    keys.iter().flat_map(|&(source, target)| [(source, target), (target, source)]).collect()
}

/// The stored edges of `keys`, each as its source sees them, without marks: all that counters and the
/// right to see something rest on.
pub fn pairs(conn: &mut Conn, keys: &[Key]) -> Result<HashMap<Key, Pair>, StoreError> {
    let edges = edges(conn, &both_ways(keys))?;
    let edge = |key: Key| edges.get(&key).copied().unwrap_or_default();
    let found = keys.iter().map(|&(source, target)| {
        let (forward, backward) = (edge((source, target)), edge((target, source)));
        ((source, target), Pair { forward, backward, ..Pair::default() })
    });
    Ok(found.collect())
}

/// The stored edges of `keys`; who is not in the map holds nothing.
pub(super) fn edges(conn: &mut Conn, keys: &[Key]) -> Result<HashMap<Key, Edge>, StoreError> {
    let mut edges = HashMap::with_capacity(keys.len());
    for piece in chunks(keys) {
        let text = format!(
            "SELECT source, target, state, notify, since FROM edges_out WHERE (source, target) IN (VALUES {})",
            rows_of_binds(piece.len(), 2)
        );
        let rows: Vec<(i64, i64, i16, i16, i64)> =
            query::<(BigInt, BigInt, SmallInt, SmallInt, BigInt), _>(conn, &text, &key_binds(piece))?;
        for (source, target, state, notify, since) in rows {
            let edge = edge_from(i64::from(state), notify != 0, Micros::new(since))?;
            edges.insert((UserId::new(source), UserId::new(target)), edge);
        }
    }
    Ok(edges)
}

pub(super) fn key_binds(keys: &[Key]) -> Vec<Value<'static>> {
    keys.iter().flat_map(|(source, target)| [Value::Int(source.get()), Value::Int(target.get())]).collect()
}

pub(super) fn edge_from(state: i64, notify: bool, since: Micros) -> Result<Edge, StoreError> {
    match state {
        FOLLOW => Ok(Edge::Follow { since, notify }),
        REQUEST => Ok(Edge::Request { since, notify }),
        BLOCK => Ok(Edge::Block { since }),
        other => Err(StoreError::Unreadable(format!("an edge has the state {other}"))),
    }
}

fn state_of(edge: Edge) -> Option<i64> {
    match edge {
        Edge::None => None,
        Edge::Follow { .. } => Some(FOLLOW),
        Edge::Request { .. } => Some(REQUEST),
        Edge::Block { .. } => Some(BLOCK),
    }
}

/// How many edges are stored.
pub fn stored(conn: &mut Conn) -> Result<i64, StoreError> {
    let counted: Vec<i64> = query::<BigInt, _>(conn, "SELECT COUNT(*) FROM edges_out", &[])?;
    Ok(counted.first().copied().unwrap_or_default())
}

/// A change of one pair, as the side that is `key.0` sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairChange {
    /// Whose pair.
    pub key: Key,
    /// What is stored.
    pub before: Pair,
    /// What is to be stored.
    pub after: Pair,
}

/// Writes the changes: at most one a pair, so that no statement touches a row twice.
pub fn write(tx: &mut Transaction<'_>, changes: &[PairChange]) -> Result<(), StoreError> {
    let conn = &mut *tx.conn;
    let sides: Vec<Side> = changes.iter().flat_map(sides).collect();
    delete_in(conn, &sides)?;
    delete_out(conn, &sides)?;
    upsert_out(conn, &sides)?;
    insert_in(conn, &sides)?;
    super::mark::write(conn, changes)?;
    tx.tell(|| Told::Pairs(changes.to_vec()));
    Ok(())
}

/// One direction of a changed pair.
struct Side {
    key: Key,
    before: Edge,
    after: Edge,
    /// The other direction, which `edges_out` repeats in `back_since`.
    back_before: i64,
    back_after: i64,
}

fn sides(change: &PairChange) -> [Side; 2] {
    let (source, target) = change.key;
    let side = |key, before: Pair, after: Pair| Side {
        key,
        before: before.forward,
        after: after.forward,
        back_before: follow_since(before.backward),
        back_after: follow_since(after.backward),
    };
    [
        side((source, target), change.before, change.after),
        side((target, source), change.before.flip(), change.after.flip()),
    ]
}

fn follow_since(edge: Edge) -> i64 {
    if edge.is_follow() { since_of(edge) } else { 0 }
}

fn since_of(edge: Edge) -> i64 {
    edge.since().unwrap_or_default().get()
}

/// The key of an edge in `edges_in`: it moves only when the edge takes another kind or time.
fn in_key(key: Key, edge: Edge) -> Option<[i64; 4]> {
    state_of(edge).map(|state| [key.1.get(), state, -since_of(edge), key.0.get()])
}

fn delete_in(conn: &mut Conn, sides: &[Side]) -> Result<(), StoreError> {
    let gone = sides.iter().filter_map(|side| {
        in_key(side.key, side.before).filter(|old| in_key(side.key, side.after).as_ref() != Some(old))
    });
    let gone: Vec<[i64; 4]> = gone.collect();
    for piece in chunks(&gone) {
        let text = format!(
            "DELETE FROM edges_in WHERE (target, state, neg_since, source) IN (VALUES {})",
            rows_of_binds(piece.len(), 4)
        );
        execute(conn, &text, &int_binds(piece))?;
    }
    Ok(())
}

fn insert_in(conn: &mut Conn, sides: &[Side]) -> Result<(), StoreError> {
    let new = sides.iter().filter_map(|side| {
        in_key(side.key, side.after).filter(|new| in_key(side.key, side.before).as_ref() != Some(new))
    });
    let mut new: Vec<[i64; 4]> = new.collect();
    // In key order, neighbouring rows share pages.
    new.sort_unstable();
    for piece in chunks(&new) {
        let text = format!(
            "INSERT INTO edges_in (target, state, neg_since, source) VALUES {}",
            rows_of_binds(piece.len(), 4)
        );
        execute(conn, &text, &int_binds(piece))?;
    }
    Ok(())
}

fn delete_out(conn: &mut Conn, sides: &[Side]) -> Result<(), StoreError> {
    let gone = sides.iter().filter(|side| side.before != Edge::None && side.after == Edge::None);
    let gone: Vec<Key> = gone.map(|side| side.key).collect();
    for piece in chunks(&gone) {
        let text = format!(
            "DELETE FROM edges_out WHERE (source, target) IN (VALUES {})",
            rows_of_binds(piece.len(), 2)
        );
        execute(conn, &text, &key_binds(piece))?;
    }
    Ok(())
}

fn upsert_out(conn: &mut Conn, sides: &[Side]) -> Result<(), StoreError> {
    let rows = sides.iter().filter_map(|side| {
        let state = state_of(side.after)?;
        let same = side.before == side.after && side.back_before == side.back_after;
        let (source, target) = side.key;
        let notify = i64::from(side.after.notify());
        (!same).then(|| [source.get(), target.get(), state, notify, since_of(side.after), side.back_after])
    });
    let mut rows: Vec<[i64; 6]> = rows.collect();
    rows.sort_unstable();
    for piece in chunks(&rows) {
        let text = format!(
            "INSERT INTO edges_out (source, target, state, notify, since, back_since) VALUES {}
             ON CONFLICT (source, target) DO UPDATE SET state = excluded.state, notify = excluded.notify,
                since = excluded.since, back_since = excluded.back_since",
            rows_of_binds(piece.len(), 6)
        );
        execute(conn, &text, &int_binds(piece))?;
    }
    Ok(())
}

pub(super) fn int_binds<const N: usize>(rows: &[[i64; N]]) -> Vec<Value<'static>> {
    rows.iter().flatten().map(|&number| Value::Int(number)).collect()
}
