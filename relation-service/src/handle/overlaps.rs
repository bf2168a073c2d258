//! Where a person's lists meet what the viewer follows.

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::page::{PageRequest, Position};

use super::lists::{Expanded, rows};
use super::{Known, ListRow, RelationError, RelationHandle, owner_seen_by};
use crate::domain::{Hidden, may_see_lists};
use crate::store;
use crate::store::list::{Entry, Order};
use crate::store::overlap::With;

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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    let Some((facts, onlooker)) = owner_seen_by(conn, owner, Some(viewer))? else {
        return Ok(Known { value: Err(Hidden::NotFound), unknown: vec![owner] });
    };
    if let Err(hidden) = may_see_lists(&facts, onlooker) {
        return Ok(Known::whole(Err(hidden)));
    }
    let all = store::overlap::overlap(conn, with, owner, viewer)?;
    let total = all.len();
    let entries = part(all, order, page);
    let expanded = expand.then_some(Expanded { viewer: Some(viewer), now });
    Ok(Known::whole(Ok(Overlap { rows: rows(conn, entries, expanded)?, total })))
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
