//! Pages without those who may not be shown. Each statement asks one person's rows, or those of listed people: none joins a
//! list with the rows of whoever is in it, which may be kept elsewhere.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::page::{PageRequest, Position};

use super::fact::hidden_among;
use super::list::Entry;
use super::pair::{Key, edges};
use crate::domain::Edge;

/// Rows that one look for a page reads at the most.
const ROWS_PER_LOOK: i64 = 256;

/// Rows that a step of long work reads at the most for each pair that it may touch.
pub(super) const ROWS_PER_PAIR: i64 = 40;

/// How long a page may take to read on, past however many who may not be shown: less than its caller waits for a read.
const PAGE_TIME_MAX: Duration = Duration::from_secs(5);

/// Where a page begins, and how many rows of it are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The row to continue after.
    pub(super) after: Option<Position>,
    /// At most so many.
    pub(super) rows: i64,
    /// How far is read on for them.
    pub(super) bound: Bound,
}

/// How far is read on, past those who may not be shown.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// A page that does not find its rows fails: no further look begins after this.
    Until(Instant),
    /// A step of long work finds fewer, after so many rows that were read; the next one goes on behind them.
    Rows(i64),
}

/// What was found.
pub(super) struct Found<T> {
    /// At most as many as were wanted.
    pub(super) rows: Vec<T>,
    /// The last row that was read, if there were too many for going on.
    pub(super) left_at: Option<Position>,
}

impl From<PageRequest> for Wanted {
    fn from(request: PageRequest) -> Self {
        let bound = Bound::Until(Instant::now() + PAGE_TIME_MAX);
        Self { after: request.after, rows: request.rows_to_load(), bound }
    }
}

impl Wanted {
    /// What a step of long work looks for that may touch so many pairs: within a bound, as the writer is held meanwhile.
    pub(super) fn of_step(after: Option<Position>, pairs: u32) -> Self {
        let rows = i64::from(pairs);
        Self { after, rows, bound: Bound::Rows(rows * ROWS_PER_PAIR) }
    }
}

/// The rows of a page: see [`find`].
pub(super) fn fill<T>(
    conn: &mut Conn,
    wanted: Wanted,
    read: impl Fn(&mut Conn, Wanted) -> Result<Vec<T>, StoreError>,
    entry: impl Fn(&T) -> Entry,
    left_out: impl Fn(&mut Conn, &[UserId]) -> Result<HashSet<UserId>, StoreError>,
) -> Result<Vec<T>, StoreError> {
    Ok(find(conn, wanted, read, entry, left_out)?.rows)
}

/// The rows that are wanted of those of `read`, without those whose person `left_out` names. `read` is given where to begin
/// and how many rows to read; `entry` says who is in a row, and since when.
pub(super) fn find<T>(
    conn: &mut Conn,
    wanted: Wanted,
    read: impl Fn(&mut Conn, Wanted) -> Result<Vec<T>, StoreError>,
    entry: impl Fn(&T) -> Entry,
    left_out: impl Fn(&mut Conn, &[UserId]) -> Result<HashSet<UserId>, StoreError>,
) -> Result<Found<T>, StoreError> {
    let enough = usize::try_from(wanted.rows).unwrap_or(usize::MAX);
    let (mut rows, mut next) = (Vec::new(), wanted);
    loop {
        if let Bound::Rows(left) = next.bound {
            next.rows = next.rows.min(left);
        }
        let look = read(conn, next)?;
        let is_last = i64::try_from(look.len()).is_ok_and(|read| read < next.rows);
        next.after = look.last().map(|row| entry(row).position());
        let users: Vec<UserId> = look.iter().map(|row| entry(row).user).collect();
        let gone = left_out(conn, &users)?;
        rows.extend(look.into_iter().filter(|row| !gone.contains(&entry(row).user)));
        if is_last || rows.len() >= enough {
            rows.truncate(enough);
            return Ok(Found { rows, left_at: None });
        }
        match &mut next.bound {
            Bound::Until(until) if *until <= Instant::now() => {
                return Err(StoreError::TooLong("too many in a row of a list may not be shown"));
            }
            Bound::Until(_) => {}
            Bound::Rows(left) => *left -= next.rows,
        }
        if matches!(next.bound, Bound::Rows(0)) {
            return Ok(Found { rows, left_at: next.after });
        }
        // Nearly always, nobody is left out, and the first look is the only one.
        next.rows = (next.rows * 2).min(ROWS_PER_LOOK);
    }
}

/// Those of `users` who are hidden, and for a `viewer` those who block or are blocked by the viewer.
pub(super) fn not_shown(
    conn: &mut Conn,
    users: &[UserId],
    viewer: Option<UserId>,
) -> Result<HashSet<UserId>, StoreError> {
    let mut found = hidden_among(conn, users)?;
    if let Some(viewer) = viewer {
        let keys: Vec<Key> = users.iter().flat_map(|&user| [(viewer, user), (user, viewer)]).collect();
        let blocks = edges(conn, &keys)?.into_iter().filter(|(_, edge)| matches!(edge, Edge::Block { .. }));
        found.extend(blocks.flat_map(|((one, other), _)| [one, other]).filter(|user| *user != viewer));
    }
    Ok(found)
}
