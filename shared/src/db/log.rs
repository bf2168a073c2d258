//! The log: events with contiguous numbers in commit order, and its head, which every writing
//! transaction holds. The transactional outbox of both services.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::schema::{events, log_head};
use super::{Conn, StoreError, Value, chunks, execute, query};
use crate::clock::Micros;
use crate::event::{Event, NewEvent};
use crate::id::UserId;
use crate::on_backend;

/// The only partition so far: past about 100,000 commands/s the log would be split by pair.
const PARTITION: i64 = 0;
/// The same, as the tables' small integer.
const PARTITION_COLUMN: i16 = 0;

/// The newest event's number and the newest time that any transaction used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the newest event; 0 before the first.
    pub seq: i64,
    /// Never decreases, so that "newest first" is commit order.
    pub at: Micros,
}

/// Takes the head for the rest of the transaction: every other writer waits here.
///
/// An `UPDATE`, not `SELECT ... FOR UPDATE`, because on Citus the latter lets stale decisions
/// through. SQLite's writer already holds the only write lock, so there it stays a read: an update
/// would make an empty batch pay for a commit.
pub fn take_head(conn: &mut Conn) -> Result<Head, StoreError> {
    let text = match conn {
        Conn::Sqlite(_) => "SELECT seq, at FROM log_head WHERE partition = ?",
        Conn::Postgres(_) => "UPDATE log_head SET seq = seq WHERE partition = ? RETURNING seq, at",
    };
    let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, text, &[Value::Int(PARTITION)])?;
    first_head(rows)
}

/// The head as a reader sees it.
pub fn head(conn: &mut Conn) -> Result<Head, StoreError> {
    let found = log_head::table.find(PARTITION_COLUMN).select((log_head::seq, log_head::at));
    first_head(on_backend!(conn, |c| found.load::<(i64, i64)>(c))?)
}

fn first_head(rows: Vec<(i64, i64)>) -> Result<Head, StoreError> {
    let (seq, at) = rows.first().ok_or_else(|| StoreError::Unreadable("the log has no head".into()))?;
    Ok(Head { seq: *seq, at: Micros::new(*at) })
}

/// Appends `events` after `head`, at the next numbers, and moves the head. Returns the new head.
pub fn append(conn: &mut Conn, head: Head, events: &[NewEvent], now: Micros) -> Result<Head, StoreError> {
    let mut seq = head.seq;
    for piece in chunks(events) {
        let mut binds = Vec::with_capacity(piece.len() * 8);
        for event in piece {
            seq += 1;
            binds.extend([
                Value::Int(PARTITION),
                Value::Int(seq),
                Value::MaybeText(Some(event.kind)),
                Value::Int(event.at.get()),
                Value::MaybeInt(event.actor.map(UserId::get)),
                Value::MaybeInt(event.subject.map(UserId::get)),
                Value::MaybeText(event.cause),
                Value::MaybeText(Some(&event.data)),
            ]);
        }
        let rows = vec!["(?,?,?,?,?,?,?,?)"; piece.len()].join(",");
        let text = format!(
            "INSERT INTO events (partition, seq, type, at, actor_id, subject_id, cause, data) VALUES {rows}"
        );
        execute(conn, &text, &binds)?;
    }
    let moved = Head { seq, at: head.at.max(now) };
    let text = "UPDATE log_head SET seq = ?, at = ? WHERE partition = ?";
    execute(conn, text, &[Value::Int(moved.seq), Value::Int(moved.at.get()), Value::Int(PARTITION)])?;
    Ok(moved)
}

/// The number of the oldest event that is still kept; the next number if none is.
pub fn oldest(conn: &mut Conn) -> Result<i64, StoreError> {
    let newest = head(conn)?.seq;
    let first = events::table
        .filter(events::partition.eq(PARTITION_COLUMN))
        .select(events::seq)
        .order(events::seq.asc())
        .limit(1);
    let found: Option<i64> = on_backend!(conn, |c| first.get_result(c).optional())?;
    Ok(found.unwrap_or(newest + 1))
}

/// At most `limit` events after the number `after`, oldest first.
pub fn after(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
    let page = events::table
        .filter(events::partition.eq(PARTITION_COLUMN).and(events::seq.gt(after)))
        .order(events::seq.asc())
        .limit(limit)
        .select((
            events::seq,
            events::kind,
            events::at,
            events::actor_id,
            events::subject_id,
            events::cause,
            events::data,
        ));
    let rows: Vec<EventRow> = on_backend!(conn, |c| page.load(c))?;
    rows.into_iter().map(event_from).collect()
}

type EventRow = (i64, String, i64, Option<i64>, Option<i64>, Option<String>, String);

fn event_from((seq, kind, at, actor, subject, cause, data): EventRow) -> Result<Event, StoreError> {
    let data = serde_json::from_str(&data)
        .map_err(|error| StoreError::Unreadable(format!("event {seq}: {error}")))?;
    Ok(Event {
        seq,
        kind,
        at: Micros::new(at),
        actor_id: actor.map(UserId::new),
        subject_id: subject.map(UserId::new),
        cause,
        data,
    })
}

/// Events that one step forgets at the most, so that other writers go on in between.
pub const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// Which events are old enough to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// Written before this, and read by everybody.
    pub before: Micros,
    /// How far everybody has read.
    pub read: i64,
    /// Written before this, in any case.
    pub unread_before: Micros,
}

/// What a look for old events finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    /// The events up to this number may go: at most [`FORGOTTEN_AT_ONCE`].
    Through(i64),
    /// Nothing may go.
    None {
        /// When the oldest event that could go one day was written; nothing if there is none.
        oldest_at: Option<Micros>,
    },
}

/// Looks for events that are old enough. The newest one stays: it shows that the log has come so far.
pub fn expired(conn: &mut Conn, expiry: Expiry) -> Result<Expired, StoreError> {
    let text = "SELECT seq, at FROM events
        WHERE partition = ? AND seq < (SELECT seq FROM log_head WHERE partition = ?)
        ORDER BY seq LIMIT ?";
    let binds = [Value::Int(PARTITION), Value::Int(PARTITION), Value::Int(FORGOTTEN_AT_ONCE)];
    let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, text, &binds)?;
    let goes = |(seq, at): &&(i64, i64)| {
        let at = Micros::new(*at);
        at < expiry.unread_before || (at < expiry.before && *seq <= expiry.read)
    };
    Ok(match rows.iter().take_while(goes).last() {
        Some((seq, _)) => Expired::Through(*seq),
        None => Expired::None { oldest_at: rows.first().map(|(_, at)| Micros::new(*at)) },
    })
}

/// Forgets the events up to `through`, which [`expired`] has found.
pub fn forget(conn: &mut Conn, through: i64) -> Result<usize, StoreError> {
    let text = "DELETE FROM events WHERE partition = ? AND seq <= ?";
    execute(conn, text, &[Value::Int(PARTITION), Value::Int(through)])
}
