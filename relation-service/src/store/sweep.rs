//! Work that is done in bounded steps: which is open, and whose requests a step answers.

use std::collections::HashSet;

use diesel::prelude::*;
use shared::db::{Conn, StoreError, Value, execute};
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::on_backend;
use shared::page::Position;

use super::fact::{self, hidden_among};
use super::graph::{Told, Transaction};
use super::list::{Entry, List, Order, look};
use super::schema::sweeps;
use super::sieve::{Found, Wanted, find};

/// What kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The account went public: all requests to it are accepted (R19).
    AcceptReceived,
    /// The person came back: their requests to accounts that are public now are accepted (R19).
    AcceptSent,
    /// The person was hidden or came back: the counters of others follow (R45).
    Count,
    /// The account was deleted: everything of the person goes (R46).
    Purge,
    /// Everything of the person went; unused parts of the database's files may still have some of it.
    Wipe,
}

impl Kind {
    pub(super) const fn code(self) -> i16 {
        match self {
            Self::AcceptReceived => 1,
            Self::AcceptSent => 2,
            Self::Count => 3,
            Self::Purge => 4,
            Self::Wipe => 5,
        }
    }

    fn from_code(code: i16) -> Result<Self, StoreError> {
        match code {
            1 => Ok(Self::AcceptReceived),
            2 => Ok(Self::AcceptSent),
            3 => Ok(Self::Count),
            4 => Ok(Self::Purge),
            5 => Ok(Self::Wipe),
            other => Err(StoreError::Unreadable(format!("a sweep has the kind {other}"))),
        }
    }
}

/// Notes that there is work for `user`: from the start, also where some of it was done.
pub fn begin(tx: &mut Transaction<'_>, user: UserId, kind: Kind) -> Result<(), StoreError> {
    put(tx, user, kind, Position { key: 0, id: 0 })?;
    tell(tx, kind);
    Ok(())
}

/// Notes that the requests up to this one are done with.
pub fn come_to(
    tx: &mut Transaction<'_>,
    user: UserId,
    kind: Kind,
    place: Position,
) -> Result<(), StoreError> {
    put(tx, user, kind, place)?;
    tx.wrote();
    Ok(())
}

fn put(tx: &mut Transaction<'_>, user: UserId, kind: Kind, place: Position) -> Result<(), StoreError> {
    let text = "INSERT INTO sweeps (user_id, kind, since, other) VALUES (?,?,?,?)
        ON CONFLICT (user_id, kind) DO UPDATE SET since = excluded.since, other = excluded.other";
    let numbers = [user.get(), kind.code().into(), place.key, place.id];
    execute(tx.conn, text, &numbers.map(Value::Int)).map(drop)
}

/// The last request that is done with; `None` at the start.
pub fn place(conn: &mut Conn, user: UserId, kind: Kind) -> Result<Option<Position>, StoreError> {
    let wanted = sweeps::table.find((user.get(), kind.code())).select((sweeps::since, sweeps::other));
    let place: Option<(i64, i64)> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    Ok(place.filter(|(since, _)| *since != 0).map(|(key, id)| Position { key, id }))
}

/// Notes that the work for `user` is done.
pub fn end(tx: &mut Transaction<'_>, user: UserId, kind: Kind) -> Result<(), StoreError> {
    let done = sweeps::table.find((user.get(), kind.code()));
    on_backend!(tx.conn, |c| diesel::delete(done).execute(c))?;
    tell(tx, kind);
    Ok(())
}

fn tell(tx: &mut Transaction<'_>, kind: Kind) {
    tx.wrote();
    if kind == Kind::Count {
        tx.tell(|| Told::Uncounted);
    }
}

/// Whether there is somebody whom the counters of others have not followed yet into hiding, or back.
pub fn is_counting(conn: &mut Conn) -> Result<bool, StoreError> {
    let open = sweeps::table.filter(sweeps::kind.eq(Kind::Count.code())).select(sweeps::user_id).limit(1);
    Ok(on_backend!(conn, |c| open.get_result::<i64>(c).optional())?.is_some())
}

/// At most `limit` pieces of open work in the tables. Requests come first: there is a promise of when they are accepted.
pub fn open(conn: &mut Conn, limit: i64) -> Result<Vec<(UserId, Kind)>, StoreError> {
    let in_tables = sweeps::kind.ne(Kind::Wipe.code());
    let wanted = sweeps::table.filter(in_tables).order((sweeps::kind, sweeps::user_id)).limit(limit);
    let wanted = wanted.select((sweeps::user_id, sweeps::kind));
    let rows: Vec<(i64, i16)> = on_backend!(conn, |c| wanted.load(c))?;
    rows.into_iter().map(|(user, code)| Ok((UserId::new(user), Kind::from_code(code)?))).collect()
}

/// Whether somebody's data went from the tables since the files were wiped.
pub fn is_unwiped(conn: &mut Conn) -> Result<bool, StoreError> {
    let wanted = sweeps::table.filter(sweeps::kind.eq(Kind::Wipe.code())).select(sweeps::user_id).limit(1);
    Ok(on_backend!(conn, |c| wanted.get_result::<i64>(c).optional())?.is_some())
}

/// Notes that the files were wiped.
pub fn wiped(conn: &mut Conn) -> Result<(), StoreError> {
    let done = sweeps::table.filter(sweeps::kind.eq(Kind::Wipe.code()));
    on_backend!(conn, |c| diesel::delete(done).execute(c))?;
    Ok(())
}

/// How many requests a step looks for, and where.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Behind this one; from the oldest on if `None`.
    pub after: Option<Position>,
    /// At most so many.
    pub most: u32,
}

/// Requests, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// The people at their other ends.
    pub users: Vec<UserId>,
    /// Behind which request there may be others; `None` if there are none.
    pub next: Option<Position>,
}

/// People who have asked to follow `user`. The request of a hidden person waits until they return (R15, R18).
pub fn requesters(conn: &mut Conn, user: UserId, stretch: Stretch) -> Result<Requests, StoreError> {
    oldest(conn, List::RequestsReceived, user, stretch, hidden_among)
}

/// Public accounts that `user` has asked to follow.
pub fn public_requested(conn: &mut Conn, user: UserId, stretch: Stretch) -> Result<Requests, StoreError> {
    oldest(conn, List::RequestsSent, user, stretch, |conn, users| {
        let known = fact::known(conn, users)?;
        let is_public = |user: &UserId| {
            let facts = known.get(user).map(|known| &known.facts);
            facts.is_some_and(|facts| facts.status == AccountStatus::Active && !facts.private_account)
        };
        Ok(users.iter().filter(|user| !is_public(user)).copied().collect())
    })
}

fn oldest(
    conn: &mut Conn,
    list: List,
    user: UserId,
    stretch: Stretch,
    left_out: impl Fn(&mut Conn, &[UserId]) -> Result<HashSet<UserId>, StoreError>,
) -> Result<Requests, StoreError> {
    let read = |conn: &mut Conn, wanted| look(conn, list, user, Order::Oldest, wanted);
    let wanted = Wanted::of_step(stretch.after, stretch.most);
    let Found { rows, left_at } = find(conn, wanted, read, |entry| *entry, left_out)?;
    let is_full = rows.len() >= usize::try_from(stretch.most).unwrap_or(usize::MAX);
    let next = if is_full { rows.last().map(Entry::position) } else { left_at };
    Ok(Requests { users: rows.into_iter().map(|entry| entry.user).collect(), next })
}
