//! Loading parts of entries: as of one moment, with a few statements for many people.

use std::collections::HashMap;

use diesel::sql_types::{BigInt, SmallInt, Text};
use shared::cache::Stamp;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, begin_snapshot, chunks, end_write, log as event_log, query};
use shared::id::UserId;

use super::inbound::{BLOCKERS_MAX, ROWS_MAX};
use super::kept::NOTE_CHARS_MAX;
use super::{Graph, Inbound, Kept, Key, Newest, Outbound, Part, Person, Record};
use crate::store::mark::mute;
use crate::store::pair::{BLOCK, FOLLOW, REQUEST, edge_from};
use crate::store::{count, fact, sweep};

/// Edges that one load brings at the most; a single person's are always brought.
const EDGES_MAX: i64 = 50_000;

/// A part that was loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Which.
    pub key: Key,
    /// The person's stamp from before.
    pub noted: Stamp,
    /// Where others commit too, as of when it is; that has to be waited for.
    pub as_of: Option<Micros>,
    /// The part, and no other; none of somebody of whom nobody has heard.
    pub record: Record,
}

/// Loads these parts. Left out are edges that are too many to be kept, or for one load.
pub fn load(conn: &mut Conn, graph: &Graph, keys: &[Key]) -> Result<Vec<Loaded>, StoreError> {
    let noted = stamps(graph, keys);
    begin_snapshot(conn)?;
    let loaded = loaded(conn, graph, keys, &noted).and_then(|loaded| as_of_now(conn, graph, loaded));
    // It has written nothing. Where a statement failed, that is what is told.
    let ended = end_write(conn, false);
    let loaded = loaded?;
    ended.map(|()| loaded)
}

/// As of the moment that is being read.
fn as_of_now(conn: &mut Conn, graph: &Graph, loaded: Vec<Loaded>) -> Result<Vec<Loaded>, StoreError> {
    if !graph.has_others() {
        return Ok(loaded);
    }
    let as_of = Some(event_log::head(conn)?.at);
    Ok(loaded.into_iter().map(|part| Loaded { as_of, ..part }).collect())
}

/// The same in a transaction that holds the head and has written nothing yet: no commit can go past that.
pub fn load_within(conn: &mut Conn, graph: &Graph, keys: &[Key]) -> Result<Vec<Loaded>, StoreError> {
    loaded(conn, graph, keys, &stamps(graph, keys))
}

fn stamps(graph: &Graph, keys: &[Key]) -> HashMap<UserId, Stamp> {
    keys.iter().map(|key| (key.user, graph.note(key.user))).collect()
}

fn loaded(
    conn: &mut Conn,
    graph: &Graph,
    keys: &[Key],
    noted: &HashMap<UserId, Stamp>,
) -> Result<Vec<Loaded>, StoreError> {
    let records = records(conn, graph, keys)?;
    let loaded = records
        .into_iter()
        .filter_map(|(key, record)| Some(Loaded { key, noted: *noted.get(&key.user)?, as_of: None, record }));
    Ok(loaded.collect())
}

fn records(conn: &mut Conn, graph: &Graph, keys: &[Key]) -> Result<Vec<(Key, Record)>, StoreError> {
    let of = |part| keys.iter().filter(move |key| key.part == part).map(|key| key.user).collect::<Vec<_>>();
    let mut found = Vec::with_capacity(keys.len());
    let mut add = |part, user, record| found.push((Key { part, user }, record));
    let nothing = Record::default;
    for (user, person) in people(conn, &of(Part::Person))? {
        add(Part::Person, user, Record { person, ..nothing() });
    }
    for (user, edges) in outbound(conn, graph, &of(Part::Outbound))? {
        add(Part::Outbound, user, Record { outbound: Some(edges), ..nothing() });
    }
    for user in of(Part::Inbound) {
        add(Part::Inbound, user, Record { inbound: Some(Box::new(inbound(conn, user)?)), ..nothing() });
    }
    for user in of(Part::Counting) {
        add(Part::Counting, user, Record { counting: Some(sweep::is_counting(conn)?), ..nothing() });
    }
    for user in of(Part::Kept) {
        add(Part::Kept, user, Record { kept: Some(kept(conn, user)?), ..nothing() });
    }
    Ok(found)
}

fn people(conn: &mut Conn, users: &[UserId]) -> Result<Vec<(UserId, Option<Person>)>, StoreError> {
    let known = fact::known(conn, users)?;
    let counts = count::counts(conn, users)?;
    let person = |user: &UserId| {
        let known = known.get(user)?;
        Some(Person::new(&known.facts, counts.get(user).copied().unwrap_or_default()))
    };
    Ok(users.iter().map(|user| (*user, person(user))).collect())
}

/// Those of `users` whose edges can be kept, as many as one load may bring.
fn within_bounds(conn: &mut Conn, graph: &Graph, users: &[UserId]) -> Result<Vec<UserId>, StoreError> {
    let counts = count::counts(conn, users)?;
    let held =
        |user: &UserId| counts.get(user).map_or(0, |held| held.following + held.requests_sent + held.blocks);
    let mut sum = 0;
    let fits = users.iter().filter(|user| {
        let edges = held(user);
        if !graph.fits(edges) || (sum > 0 && sum + edges > EDGES_MAX) {
            return false;
        }
        sum += edges;
        true
    });
    Ok(fits.copied().collect())
}

fn outbound(
    conn: &mut Conn,
    graph: &Graph,
    users: &[UserId],
) -> Result<HashMap<UserId, Outbound>, StoreError> {
    let users = within_bounds(conn, graph, users)?;
    let mut found: HashMap<UserId, Outbound> =
        users.iter().map(|user| (*user, Outbound::default())).collect();
    for piece in chunks(&users) {
        let text = format!(
            "SELECT source, target, state, notify, since, back_since FROM edges_out WHERE source IN ({})
             ORDER BY source, target",
            vec!["?"; piece.len()].join(",")
        );
        let binds: Vec<Value<'_>> = piece.iter().map(|user| Value::Int(user.get())).collect();
        let rows: Vec<(i64, i64, i16, i16, i64, i64)> =
            query::<(BigInt, BigInt, SmallInt, SmallInt, BigInt, BigInt), _>(conn, &text, &binds)?;
        for (source, target, state, notify, since, back) in rows {
            let edge = edge_from(i64::from(state), notify != 0, Micros::new(since))?;
            let edges = found.entry(UserId::new(source)).or_default();
            edges.push(UserId::new(target), edge, (back != 0).then_some(Micros::new(back)));
        }
    }
    found.values_mut().for_each(Outbound::shrink);
    Ok(found)
}

fn inbound(conn: &mut Conn, user: UserId) -> Result<Inbound, StoreError> {
    let mut newest = |state, most: usize| -> Result<Vec<(i64, i64)>, StoreError> {
        let text = "SELECT neg_since, source FROM edges_in WHERE target = ? AND state = ?
                    ORDER BY neg_since, source LIMIT ?";
        let most = i64::try_from(most + 1).unwrap_or(i64::MAX);
        query::<(BigInt, BigInt), _>(conn, text, &[user.get(), state, most].map(Value::Int))
    };
    let followers = Newest::new(newest(FOLLOW, ROWS_MAX)?);
    let requests = Newest::new(newest(REQUEST, ROWS_MAX)?);
    let mut blockers: Vec<i64> = newest(BLOCK, BLOCKERS_MAX)?.into_iter().map(|(_, source)| source).collect();
    blockers.sort_unstable();
    let blockers = (blockers.len() <= BLOCKERS_MAX).then_some(blockers);
    Ok(Inbound { followers, requests, blockers })
}

fn kept(conn: &mut Conn, user: UserId) -> Result<Kept, StoreError> {
    let text = "SELECT target, since, expires_at, notifications FROM mutes WHERE user_id = ? ORDER BY target";
    let mutes: Vec<(i64, i64, i64, i16)> =
        query::<(BigInt, BigInt, BigInt, SmallInt), _>(conn, text, &[Value::Int(user.get())])?;
    let text = "SELECT target, since FROM close_friends WHERE user_id = ? ORDER BY target";
    let close: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, text, &[Value::Int(user.get())])?;
    let text = "SELECT target, CASE WHEN LENGTH(note) <= ? THEN note ELSE '' END FROM notes
                WHERE user_id = ? ORDER BY target";
    let notes: Vec<(i64, String)> =
        query::<(BigInt, Text), _>(conn, text, &[NOTE_CHARS_MAX, user.get()].map(Value::Int))?;
    Ok(Kept::new(
        mutes.into_iter().map(|(target, since, end, loud)| (target, mute((since, end, loud)))).collect(),
        close.into_iter().map(|(target, since)| (target, Micros::new(since))).collect(),
        notes.into_iter().map(|(target, note)| (target, note.into_boxed_str())).collect(),
    ))
}
