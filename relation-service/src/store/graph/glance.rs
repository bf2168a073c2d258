//! A look at memory for one answer: what it reads it notes the stamp of, what is not there it notes as well.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use shared::cache::Stamp;
use shared::clock::Micros;
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::page::{PageRequest, Position};

use super::{EVERYBODY, Entry, Graph, Inbound, Kept, Key, Loaded, Noted, Outbound, Part, Person};
use crate::domain::{CountDelta, Edge, Marks, Pair};
use crate::store::list::{self, List, Order};
use crate::store::mark::Muted;
use crate::store::sight::{PageOf, Sight};

/// Rows that are looked at beyond those of a page before more are sorted: for those who are left out of it.
const ROWS_SPARE: usize = 8;

/// The look.
pub struct Glance<'g> {
    graph: &'g Graph,
    /// What was loaded for this answer, in case that it was not kept.
    loaded: &'g HashMap<Key, Loaded>,
    noted: Vec<Stamp>,
    /// Of what was loaded and not kept: these must be as quiet as they were.
    noted_loaded: Vec<Stamp>,
    gaps: Vec<Key>,
    beyond: bool,
    unknown: Vec<UserId>,
    holder: Option<(UserId, Arc<Outbound>)>,
    returner: Option<(UserId, Arc<Outbound>)>,
    watched: Option<(UserId, Arc<Inbound>)>,
    /// Of the pair before.
    source: Option<UserId>,
    keeper: Option<(UserId, Arc<Kept>)>,
}

/// What came of a look.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// All that was read was true at one moment.
    True {
        /// The stamps of it.
        noted: Vec<Stamp>,
        /// Of whom nobody has heard.
        unknown: Vec<UserId>,
    },
    /// A commit went past it.
    Moved,
    /// These are to be loaded first.
    Gaps(Vec<Key>),
    /// Only the store can tell.
    Beyond,
}

impl Graph {
    /// A look for one answer.
    pub fn glance<'g>(&'g self, loaded: &'g HashMap<Key, Loaded>) -> Glance<'g> {
        Glance {
            graph: self,
            loaded,
            noted: Vec::with_capacity(8),
            noted_loaded: Vec::new(),
            gaps: Vec::new(),
            beyond: false,
            unknown: Vec::new(),
            holder: None,
            returner: None,
            watched: None,
            source: None,
            keeper: None,
        }
    }
}

impl Glance<'_> {
    /// Ends the look.
    pub fn end(mut self) -> Seen {
        self.graph.entries.count(looks(self.noted.len()), looks(self.gaps.len() + self.noted_loaded.len()));
        if self.beyond {
            return Seen::Beyond;
        }
        if !self.gaps.is_empty() {
            self.gaps.sort_unstable();
            self.gaps.dedup();
            return Seen::Gaps(self.gaps);
        }
        if !self.graph.holds(&self.noted) || !self.graph.is_quiet(&self.noted_loaded) {
            return Seen::Moved;
        }
        self.noted.append(&mut self.noted_loaded);
        self.unknown.sort_unstable();
        self.unknown.dedup();
        Seen::True { noted: self.noted, unknown: self.unknown }
    }

    fn entry(&mut self, part: Part, user: UserId) -> Option<Entry> {
        let key = Key { part, user };
        let noted = self.graph.note(user);
        if let Some(entry) = self.graph.look(key) {
            self.noted.push(noted);
            return Some(entry);
        }
        if let Some(loaded) = self.loaded.get(&key) {
            self.noted_loaded.push(loaded.noted);
            return Some(loaded.entry.clone());
        }
        self.gaps.push(key);
        None
    }

    fn outbound(&mut self, user: UserId) -> Option<Arc<Outbound>> {
        if let Some((_, edges)) = self.holder.as_ref().filter(|(holder, _)| *holder == user) {
            return Some(edges.clone());
        }
        let Entry::Outbound(edges) = self.entry(Part::Outbound, user)? else { return None };
        Some(edges)
    }

    /// Those of whom many are asked in a row.
    fn holder(&mut self, user: UserId) -> Option<&Outbound> {
        if self.holder.as_ref().is_none_or(|(holder, _)| *holder != user) {
            let edges = self.outbound(user)?;
            self.holder = Some((user, edges));
        }
        self.holder.as_ref().map(|(_, edges)| &**edges)
    }

    /// What `target` holds towards `source`. Of one person and many others nothing is needed of each of those: what is
    /// known of the source mostly tells; and of many and one, the target is the one again.
    fn backward(&mut self, source: UserId, target: UserId) -> Edge {
        // What is known of a source is only worth a load for more than one pair.
        if self.source.replace(source) == Some(source) {
            let Some(edges) = self.watched(source) else { return Edge::None };
            if let Some(edge) = edges.edge(target) {
                return edge;
            }
        }
        self.returner(target).map(|edges| edges.edge(source)).unwrap_or_default()
    }

    fn returner(&mut self, user: UserId) -> Option<&Outbound> {
        if self.returner.as_ref().is_none_or(|(returner, _)| *returner != user) {
            let edges = self.outbound(user)?;
            self.returner = Some((user, edges));
        }
        self.returner.as_ref().map(|(_, edges)| &**edges)
    }

    fn watched(&mut self, user: UserId) -> Option<&Inbound> {
        if self.watched.as_ref().is_none_or(|(watched, _)| *watched != user) {
            let edges = self.inbound(user)?;
            self.watched = Some((user, edges));
        }
        self.watched.as_ref().map(|(_, edges)| &**edges)
    }

    fn keeper(&mut self, user: UserId) -> Option<&Kept> {
        if self.keeper.as_ref().is_none_or(|(keeper, _)| *keeper != user) {
            let Entry::Kept(kept) = self.entry(Part::Kept, user)? else { return None };
            self.keeper = Some((user, kept));
        }
        self.keeper.as_ref().map(|(_, kept)| &**kept)
    }

    fn inbound(&mut self, user: UserId) -> Option<Arc<Inbound>> {
        let Entry::Inbound(edges) = self.entry(Part::Inbound, user)? else { return None };
        Some(edges)
    }

    /// Hidden people are in nobody's list; one of whom nobody has heard is not hidden.
    fn is_hidden(&mut self, user: UserId) -> bool {
        match self.entry(Part::Person, user) {
            Some(Entry::Person(person)) => person.facts.status != AccountStatus::Active,
            _ => false,
        }
    }

    /// As many of `rows`, which are in order, as a page may need, without those who are left out of it.
    fn shown(
        &mut self,
        rows: impl Iterator<Item = list::Entry>,
        filter: Option<&Filter>,
        most: usize,
    ) -> Vec<list::Entry> {
        let mut shown = Vec::with_capacity(most.min(list_room(rows.size_hint())));
        for row in rows {
            if shown.len() == most {
                break;
            }
            if !filter.is_some_and(|filter| filter.hides(row.user)) && !self.is_hidden(row.user) {
                shown.push(row);
            }
        }
        shown
    }

    fn filter(&mut self, viewer: UserId) -> Option<Filter> {
        let (blocks, blocked_by) = (self.outbound(viewer), self.inbound(viewer));
        let (blocks, blocked_by) = (blocks?, blocked_by?);
        if blocked_by.blockers.is_none() {
            self.beyond = true;
        }
        Some(Filter { blocks, blocked_by })
    }

    fn newest(&mut self, wanted: PageOf, filter: Option<&Filter>) -> Vec<list::Entry> {
        let PageOf { list, owner, order, page, .. } = wanted;
        let Some(edges) = self.inbound(owner) else { return Vec::new() };
        let kept = if list == List::Followers { &edges.followers } else { &edges.requests };
        let after = page.after.map(|after| (-after.key, after.id));
        let entry = |&(neg_since, source): &(i64, i64)| list::Entry {
            user: UserId::new(source),
            since: Micros::new(-neg_since),
        };
        let most = most(page);
        let rows = match order {
            Order::Newest => {
                let rest = kept.rows().iter().skip_while(|row| after.is_some_and(|after| **row <= after));
                self.shown(rest.map(entry), filter, most)
            }
            Order::Oldest if kept.is_whole() => {
                let rest =
                    kept.rows().iter().rev().skip_while(|row| after.is_some_and(|after| **row >= after));
                self.shown(rest.map(entry), filter, most)
            }
            Order::Oldest => Vec::new(),
        };
        self.beyond |= !kept.is_whole() && rows.len() < most;
        rows
    }

    /// The rows of a page from all of a person's, which are in no order.
    fn sorted(
        &mut self,
        mut rows: Vec<list::Entry>,
        order: Order,
        page: PageRequest,
        filter: Option<&Filter>,
    ) -> Vec<list::Entry> {
        let most = most(page);
        let in_order = |one: &list::Entry, other: &list::Entry| match order {
            Order::Newest => place(other).cmp(&place(one)),
            Order::Oldest => place(one).cmp(&place(other)),
        };
        if let Some(Position { key, id }) = page.after {
            let after = list::Entry { user: UserId::new(id), since: Micros::new(key) };
            rows.retain(|row| in_order(row, &after) == Ordering::Greater);
        }
        let (mut shown, mut rest) = (Vec::new(), rows.as_mut_slice());
        while !rest.is_empty() && shown.len() < most {
            let next = (most - shown.len() + ROWS_SPARE).min(rest.len());
            if next < rest.len() {
                rest.select_nth_unstable_by(next - 1, in_order);
            }
            let (first, others) = std::mem::take(&mut rest).split_at_mut(next);
            first.sort_unstable_by(in_order);
            shown.extend(self.shown(first.iter().copied(), filter, most - shown.len()));
            rest = others;
        }
        shown
    }
}

/// Whom a viewer does not see beside themselves.
struct Filter {
    blocks: Arc<Outbound>,
    blocked_by: Arc<Inbound>,
}

impl Filter {
    fn hides(&self, user: UserId) -> bool {
        let blocks_viewer =
            || self.blocked_by.blockers.as_ref().is_some_and(|all| all.binary_search(&user.get()).is_ok());
        self.blocks.edge(user).is_block() || blocks_viewer()
    }
}

fn place(row: &list::Entry) -> (Micros, UserId) {
    (row.since, row.user)
}

fn looks(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn most(page: PageRequest) -> usize {
    usize::try_from(page.rows_to_load()).unwrap_or(usize::MAX)
}

fn list_room((least, most): (usize, Option<usize>)) -> usize {
    most.unwrap_or(least)
}

/// The row of an edge, if it is on the list.
fn row(list: List, (user, edge, back): (UserId, Edge, Option<Micros>)) -> Option<list::Entry> {
    let since = match list {
        List::Following => edge.since().filter(|_| edge.is_follow()),
        List::RequestsSent => edge.since().filter(|_| edge.is_request()),
        List::Blocks => edge.since().filter(|_| edge.is_block()),
        List::Friends => edge.since().max(back).filter(|_| edge.is_follow() && back.is_some()),
        List::Followers | List::RequestsReceived => None,
    };
    Some(list::Entry { user, since: since? })
}

impl Sight for Glance<'_> {
    fn counts(&mut self, _: UserId, person: &Person) -> CountDelta {
        if let Some(Entry::Counting(true)) = self.entry(Part::Counting, EVERYBODY) {
            self.beyond = true;
        }
        person.counts
    }

    fn person(&mut self, user: UserId) -> Option<Arc<Person>> {
        let Entry::Person(person) = self.entry(Part::Person, user)? else {
            self.unknown.push(user);
            return None;
        };
        Some(person)
    }

    fn pair(&mut self, source: UserId, target: UserId) -> Pair {
        let forward = self.holder(source).map(|edges| edges.edge(target)).unwrap_or_default();
        Pair { forward, backward: self.backward(source, target), ..Pair::default() }
    }

    fn marks(&mut self, source: UserId, target: UserId) -> Marks {
        self.keeper(source).map(|kept| kept.marks(target)).unwrap_or_default()
    }

    fn note(&mut self, source: UserId, target: UserId) -> String {
        match self.keeper(source).map(|kept| kept.note(target)) {
            Some(Noted::Text(text)) => text.to_owned(),
            Some(Noted::Long) => {
                self.beyond = true;
                String::new()
            }
            None => String::new(),
        }
    }

    fn starts(&mut self, _: UserId, _: Micros) -> Vec<Micros> {
        self.beyond = true;
        Vec::new()
    }

    fn page(&mut self, wanted: PageOf) -> Vec<list::Entry> {
        let filter = match wanted.filter_for.map(|viewer| self.filter(viewer)) {
            Some(None) => return Vec::new(),
            filter => filter.flatten(),
        };
        let PageOf { list, owner, order, page, .. } = wanted;
        if matches!(list, List::Followers | List::RequestsReceived) {
            return self.newest(wanted, filter.as_ref());
        }
        let Some(edges) = self.outbound(owner) else { return Vec::new() };
        let rows = edges.iter().filter_map(|edge| row(list, edge)).collect();
        self.sorted(rows, order, page, filter.as_ref())
    }

    fn close_friends(&mut self, owner: UserId, page: PageRequest) -> Vec<list::Entry> {
        let Some(kept) = self.keeper(owner) else { return Vec::new() };
        let rows = kept.close_friends().map(|(user, since)| list::Entry { user, since }).collect();
        self.sorted(rows, Order::Newest, page, None)
    }

    fn mutes(&mut self, owner: UserId, now: Micros, page: PageRequest) -> Vec<Muted> {
        let Some(kept) = self.keeper(owner) else { return Vec::new() };
        let holds = |mute| Marks { mute: Some(mute), ..Marks::default() }.at(now).mute.is_some();
        let mutes: HashMap<UserId, _> = kept.mutes().filter(|(_, mute)| holds(*mute)).collect();
        let rows = mutes.iter().map(|(user, mute)| list::Entry { user: *user, since: mute.since }).collect();
        let shown = self.sorted(rows, Order::Newest, page, None);
        shown.iter().filter_map(|row| Some(Muted { user: row.user, mute: *mutes.get(&row.user)? })).collect()
    }
}
