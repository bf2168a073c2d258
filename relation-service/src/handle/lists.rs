//! Reading lists.

use std::collections::HashMap;

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
}

type Rows = Result<Vec<ListRow>, Hidden>;

impl RelationHandle {
    /// The rows of a page: one more than it holds, if there is another.
    pub async fn list(&self, request: ListRequest) -> Result<Vec<ListRow>, RelationError> {
        let rows = self.read_known(move |conn| read(conn, request)).await?;
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

fn read(conn: &mut Conn, request: ListRequest) -> Result<Known<Rows>, StoreError> {
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
    let mut people = if expand { people(conn, &entries)? } else { HashMap::new() };
    let rows = entries.into_iter().map(|entry| ListRow { entry, user: people.remove(&entry.user) });
    Ok(Known::whole(Ok(rows.collect())))
}

fn people(conn: &mut Conn, entries: &[Entry]) -> Result<HashMap<UserId, UserFacts>, StoreError> {
    let ids: Vec<UserId> = entries.iter().map(|entry| entry.user).collect();
    let known = store::fact::known(conn, &ids)?;
    Ok(known.into_iter().map(|(id, user)| (id, user.facts)).collect())
}
