//! Reading lists.

use std::collections::{HashMap, HashSet};

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::facts::UserFacts;
use shared::id::UserId;
use shared::page::PageRequest;

use super::{Known, RelationError, RelationHandle, owner_seen_by};
use crate::domain::{Hidden, Onlooker, may_see_lists};
use crate::store;
use crate::store::list::{Entry, List, Order};
use crate::store::mark::Muted;

/// Which page of whose list, for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListRequest {
    /// Which list.
    pub list: List,
    /// Whose.
    pub owner: UserId,
    /// In which order.
    pub order: Order,
    /// Which page.
    pub page: PageRequest,
    /// Who looks, if anybody is signed in.
    pub viewer: Option<UserId>,
    /// With what is known about each person.
    pub expand: bool,
}

/// One row, with what is known about the person where that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    /// Who, since when.
    pub entry: Entry,
    /// What is known about them.
    pub user: Option<UserFacts>,
    /// Whether the viewer mutes them (R40).
    pub muting: bool,
}

type Rows = Result<Vec<ListRow>, Hidden>;

impl RelationHandle {
    /// The rows of a page: one more than it holds, if there is another.
    pub async fn list(&self, request: ListRequest) -> Result<Vec<ListRow>, RelationError> {
        let now = self.clock.now();
        let rows = self.read_known(move |conn| read(conn, request, now)).await?;
        Ok(rows?)
    }

    /// The rows of a page of those whom `owner` has marked as close friends, newest first.
    pub async fn close_friends(&self, owner: UserId, page: PageRequest) -> Result<Vec<Entry>, RelationError> {
        Ok(self.reads.run(move |conn| store::mark::close_friends(conn, owner, page)).await?)
    }

    /// The rows of a page of those whom `owner` mutes now, newest first.
    pub async fn mutes(&self, owner: UserId, page: PageRequest) -> Result<Vec<Muted>, RelationError> {
        let now = self.clock.now();
        Ok(self.reads.run(move |conn| store::mark::mutes(conn, owner, now, page)).await?)
    }
}

fn read(conn: &mut Conn, request: ListRequest, now: Micros) -> Result<Known<Rows>, StoreError> {
    let ListRequest { list, owner, order, page, viewer, expand } = request;
    let Some((facts, onlooker)) = owner_seen_by(conn, owner, viewer)? else {
        return Ok(Known { value: Err(Hidden::NotFound), unknown: vec![owner] });
    };
    if let Err(hidden) = may_see_lists(&facts, onlooker) {
        return Ok(Known::whole(Err(hidden)));
    }
    // Nobody is in their own lists together with a block, so only others' lists need the filter (R34).
    let filter_for = viewer.filter(|_| onlooker != Onlooker::Owner);
    let entries = store::list::page(conn, list, owner, order, page, filter_for)?;
    let expanded = expand.then_some(Expanded { viewer, now });
    Ok(Known::whole(Ok(rows(conn, entries, expanded)?)))
}

/// How rows are expanded.
pub(super) struct Expanded {
    /// For whom.
    pub(super) viewer: Option<UserId>,
    /// As of when.
    pub(super) now: Micros,
}

/// The rows of `entries`, expanded if that is asked for.
pub(super) fn rows(
    conn: &mut Conn,
    entries: Vec<Entry>,
    expanded: Option<Expanded>,
) -> Result<Vec<ListRow>, StoreError> {
    let (mut people, mut muted) = (HashMap::new(), HashSet::new());
    if let Some(Expanded { viewer, now }) = expanded {
        let ids: Vec<UserId> = entries.iter().map(|entry| entry.user).collect();
        people = store::fact::known(conn, &ids)?;
        if let Some(viewer) = viewer {
            muted = store::mark::muted_among(conn, viewer, &ids, now)?;
        }
    }
    let row = |entry: Entry| ListRow {
        entry,
        user: people.remove(&entry.user).map(|known| known.facts),
        muting: muted.contains(&entry.user),
    };
    Ok(entries.into_iter().map(row).collect())
}
