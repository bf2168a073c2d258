//! Where a person's lists meet what the viewer follows.

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::page::{PageRequest, Position};

use super::ask::Known;
use super::lists::{Expanded, list_of, rows};
use super::{ListRow, RelationError, RelationHandle};
use crate::domain::Hidden;
use crate::store;
use crate::store::list::{Entry, Order};
use crate::store::overlap::With;
use crate::store::sight::Statements;

/// Which page of whose overlap, for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlapRequest {
    /// With which list.
    pub with: With,
    /// Whose.
    pub owner: UserId,
    /// Who looks.
    pub viewer: UserId,
    /// In which order.
    pub order: Order,
    /// Which page.
    pub page: PageRequest,
    /// With what is known about each person.
    pub expand: bool,
}

/// A part of an overlap.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlap {
    /// The rows of a page: one more than it holds, if there is another.
    pub rows: Vec<ListRow>,
    /// How many rows a full walk lists.
    pub total: usize,
}

impl RelationHandle {
    /// Those on the owner's list whom the viewer follows.
    pub async fn overlap(&self, request: OverlapRequest) -> Result<Overlap, RelationError> {
        let now = self.clock.now();
        let found = self.read_known(move |conn| read(conn, request, now)).await?;
        Ok(found?)
    }
}

fn read(
    conn: &mut Conn,
    request: OverlapRequest,
    now: Micros,
) -> Result<Known<Result<Overlap, Hidden>>, StoreError> {
    let OverlapRequest { with, owner, viewer, order, page, expand } = request;
    let mut sight = Statements::new(conn);
    let seen = list_of(&mut sight, owner, Some(viewer));
    let unknown = sight.end()?;
    if let Err(hidden) = seen {
        return Ok(Known { value: Err(hidden), unknown });
    }
    let all = store::overlap::overlap(conn, with, owner, viewer)?;
    let total = all.len();
    let entries = part(all, order, page);
    let expanded = expand.then_some(Expanded { viewer: Some(viewer), now });
    let mut sight = Statements::new(conn);
    let rows = rows(&mut sight, entries, expanded);
    sight.end()?;
    Ok(Known { value: Ok(Overlap { rows, total }), unknown })
}

/// The rows of one page, in order. The whole is bounded by what the viewer follows, and its length is told.
fn part(mut all: Vec<Entry>, order: Order, page: PageRequest) -> Vec<Entry> {
    let place = |entry: &Entry| {
        let Position { key, id } = entry.position();
        (key, id)
    };
    all.sort_unstable_by_key(place);
    if order == Order::Newest {
        all.reverse();
    }
    let after = page.after.map(|after| (after.key, after.id));
    let seen = |entry: &Entry| match order {
        Order::Newest => after.is_some_and(|after| place(entry) >= after),
        Order::Oldest => after.is_some_and(|after| place(entry) <= after),
    };
    let rows = usize::try_from(page.rows_to_load()).unwrap_or(usize::MAX);
    all.into_iter().skip_while(seen).take(rows).collect()
}
