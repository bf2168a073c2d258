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

/// How long a page may take to read on, past however many who may not be shown: less than its caller waits for a read.
const PAGE_TIME_MAX: Duration = Duration::from_secs(5);

/// Where a page begins, and how many rows of it are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The row to continue after.
    pub(super) after: Option<Position>,
    /// At most so many.
    pub(super) rows: i64,
    /// No further look begins after this; `None` for a step of long work, which would only come back to the same place.
    pub(super) until: Option<Instant>,
}

impl From<PageRequest> for Wanted {
    fn from(request: PageRequest) -> Self {
        let until = Some(Instant::now() + PAGE_TIME_MAX);
        Self { after: request.after, rows: request.rows_to_load(), until }
    }
}

/// The rows that are wanted of those of `read`, without those whose person `left_out` names. `read` is given where to begin
/// and how many rows to read; `entry` says who is in a row, and since when.
pub(super) fn fill<T>(
    conn: &mut Conn,
    wanted: Wanted,
    read: impl Fn(&mut Conn, Wanted) -> Result<Vec<T>, StoreError>,
    entry: impl Fn(&T) -> Entry,
    left_out: impl Fn(&mut Conn, &[UserId]) -> Result<HashSet<UserId>, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let enough = usize::try_from(wanted.rows).unwrap_or(usize::MAX);
    let (mut found, mut next) = (Vec::new(), wanted);
    loop {
        let look = read(conn, next)?;
        let is_last = i64::try_from(look.len()).is_ok_and(|read| read < next.rows);
        next.after = look.last().map(|row| entry(row).position());
        let users: Vec<UserId> = look.iter().map(|row| entry(row).user).collect();
        let gone = left_out(conn, &users)?;
        found.extend(look.into_iter().filter(|row| !gone.contains(&entry(row).user)));
        if is_last || found.len() >= enough {
            found.truncate(enough);
            return Ok(found);
        }
        if wanted.until.is_some_and(|until| until <= Instant::now()) {
            return Err(StoreError::TooLong("too many in a row of a list may not be shown"));
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
