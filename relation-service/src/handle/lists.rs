//! Reading lists.

use shared::clock::Micros;
use shared::id::UserId;
use shared::page::PageRequest;

use super::ask::Question;
use super::{RelationError, RelationHandle, onlooker};
use crate::domain::{Hidden, Onlooker, may_see_lists};
use crate::store::graph::Card;
use crate::store::list::{Entry, List, Order};
use crate::store::mark::Muted;
use crate::store::pair::Key;
use crate::store::sight::{Needs, PageOf, Sight};

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
#[derive(Debug, Clone, PartialEq)]
pub struct ListRow {
    /// Who, since when.
    pub entry: Entry,
    /// What is known about them.
    pub user: Option<Card>,
    /// Whether the viewer mutes them (R40).
    pub muting: bool,
}

impl RelationHandle {
    /// The rows of a page: one more than it holds, if there is another.
    pub async fn list(&self, request: ListRequest) -> Result<Vec<ListRow>, RelationError> {
        Ok(self.ask_known(Listing { request, now: self.clock.now() }).await??)
    }

    /// The same, if the viewer may see the list and memory has it.
    pub fn recall_list(&self, request: ListRequest) -> Option<Vec<ListRow>> {
        self.recall(&Listing { request, now: self.clock.now() })?.ok()
    }

    /// The rows of a page of those whom `owner` has marked as close friends, newest first.
    pub async fn close_friends(&self, owner: UserId, page: PageRequest) -> Result<Vec<Entry>, RelationError> {
        Ok(self.ask(&CloseFriends { owner, page }).await?.value)
    }

    /// The rows of a page of those whom `owner` mutes now, newest first.
    pub async fn mutes(&self, owner: UserId, page: PageRequest) -> Result<Vec<Muted>, RelationError> {
        Ok(self.ask(&Mutes { owner, page, now: self.clock.now() }).await?.value)
    }
}

#[derive(Clone)]
struct Listing {
    request: ListRequest,
    now: Micros,
}

impl Question for Listing {
    type Answer = Result<Vec<ListRow>, Hidden>;

    fn answer(&self, sight: &mut dyn Sight) -> Self::Answer {
        let ListRequest { list, owner, order, page, viewer, expand } = self.request;
        let onlooker = list_of(sight, owner, viewer)?;
        // Nobody is in their own lists together with a block, so only others' lists need the filter (R34).
        let filter_for = viewer.filter(|_| onlooker != Onlooker::Owner);
        let entries = sight.page(PageOf { list, owner, order, page, filter_for });
        let expanded = expand.then_some(Expanded { viewer, now: self.now });
        Ok(rows(sight, entries, expanded))
    }
}

/// How the viewer stands to the owner of a list that they may see.
pub(super) fn list_of(
    sight: &mut dyn Sight,
    owner: UserId,
    viewer: Option<UserId>,
) -> Result<Onlooker, Hidden> {
    let between = viewer.map(|viewer| (viewer, owner));
    sight.prepare(Needs { people: &[owner], pairs: between.as_slice(), ..Needs::default() });
    if let Some((viewer, owner)) = between {
        sight.meet(viewer, owner);
    }
    let person = sight.person(owner).ok_or(Hidden::NotFound)?;
    let onlooker = onlooker(sight, viewer, owner);
    may_see_lists(person.access, onlooker)?;
    Ok(onlooker)
}

/// How rows are expanded.
pub(super) struct Expanded {
    /// For whom.
    pub(super) viewer: Option<UserId>,
    /// As of when.
    pub(super) now: Micros,
}

/// The rows of `entries`, expanded if that is asked for.
pub(super) fn rows(sight: &mut dyn Sight, entries: Vec<Entry>, expanded: Option<Expanded>) -> Vec<ListRow> {
    let Some(Expanded { viewer, now }) = expanded else {
        return entries.into_iter().map(|entry| ListRow { entry, user: None, muting: false }).collect();
    };
    if sight.needs_words(entries.len()) {
        let people: Vec<UserId> = entries.iter().map(|entry| entry.user).collect();
        let keys: Vec<Key> =
            viewer.iter().flat_map(|&viewer| people.iter().map(move |&user| (viewer, user))).collect();
        sight.prepare(Needs { cards: &people, marks: &keys, ..Needs::default() });
    }
    let row = |entry: Entry| {
        let mutes = |viewer| sight.marks(viewer, entry.user).at(now).mute.is_some();
        let muting = viewer.is_some_and(mutes);
        ListRow { entry, user: sight.card(entry.user), muting }
    };
    entries.into_iter().map(row).collect()
}

#[derive(Clone)]
struct CloseFriends {
    owner: UserId,
    page: PageRequest,
}

impl Question for CloseFriends {
    type Answer = Vec<Entry>;

    fn answer(&self, sight: &mut dyn Sight) -> Vec<Entry> {
        sight.close_friends(self.owner, self.page)
    }
}

#[derive(Clone)]
struct Mutes {
    owner: UserId,
    page: PageRequest,
    now: Micros,
}

impl Question for Mutes {
    type Answer = Vec<Muted>;

    fn answer(&self, sight: &mut dyn Sight) -> Vec<Muted> {
        sight.mutes(self.owner, self.now, self.page)
    }
}
