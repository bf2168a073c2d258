//! Pages of lists, from memory.

use std::cmp::Ordering;
use std::collections::HashMap;

use shared::clock::Micros;
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::page::{PageRequest, Position};

use super::{Glance, Part, Record};
use crate::domain::{Edge, Marks, Mute};
use crate::store::list::{self, List, Order};
use crate::store::mark::Muted;
use crate::store::sight::PageOf;

/// Rows that are looked at beyond those of a page before more are: for those who are left out of it.
const ROWS_SPARE: usize = 8;

impl Glance<'_> {
    pub(super) fn page_of(&mut self, wanted: PageOf) -> Vec<list::Entry> {
        let PageOf { list, owner, order, page, filter_for } = wanted;
        if matches!(list, List::Followers | List::RequestsReceived) {
            return self.newest(wanted);
        }
        let rows = self.read(Part::Outbound, owner, |record| {
            Some(record.outbound.as_ref()?.iter().filter_map(|edge| row(list, edge)).collect::<Vec<_>>())
        });
        self.sorted(rows.unwrap_or_default(), order, page, filter_for)
    }

    pub(super) fn close_friends_of(&mut self, owner: UserId, page: PageRequest) -> Vec<list::Entry> {
        let rows = self.read(Part::Kept, owner, |record| {
            let close = record.kept.as_ref()?.close_friends();
            Some(close.map(|(user, since)| list::Entry { user, since }).collect::<Vec<_>>())
        });
        self.sorted(rows.unwrap_or_default(), Order::Newest, page, None)
    }

    pub(super) fn mutes_of(&mut self, owner: UserId, now: Micros, page: PageRequest) -> Vec<Muted> {
        let holds = |mute| Marks { mute: Some(mute), ..Marks::default() }.at(now).mute.is_some();
        let mutes: HashMap<UserId, Mute> = self
            .read(Part::Kept, owner, |record| {
                Some(record.kept.as_ref()?.mutes().filter(|(_, mute)| holds(*mute)).collect())
            })
            .unwrap_or_default();
        let rows = mutes.iter().map(|(user, mute)| list::Entry { user: *user, since: mute.since }).collect();
        let shown = self.sorted(rows, Order::Newest, page, None);
        shown.iter().filter_map(|row| Some(Muted { user: row.user, mute: *mutes.get(&row.user)? })).collect()
    }

    /// The rows of a list of which the newest are remembered, in their order.
    fn newest(&mut self, wanted: PageOf) -> Vec<list::Entry> {
        let PageOf { list, owner, order, page, filter_for } = wanted;
        let (after, most) = (page.after.map(|after| (-after.key, after.id)), most(page));
        let (mut shown, mut skipped) = (Vec::new(), 0);
        loop {
            let next = most - shown.len() + ROWS_SPARE;
            let part = self.read(Part::Inbound, owner, |record| {
                let edges = record.inbound.as_ref()?;
                let kept = if list == List::Followers { &edges.followers } else { &edges.requests };
                let rows = match order {
                    Order::Newest => {
                        let first =
                            kept.rows().partition_point(|row| after.is_some_and(|after| *row <= after));
                        kept.rows()[first..].iter().skip(skipped).take(next).map(entry).collect()
                    }
                    Order::Oldest if kept.is_whole() => {
                        let end = kept.rows().partition_point(|row| after.is_none_or(|after| *row < after));
                        kept.rows()[..end].iter().rev().skip(skipped).take(next).map(entry).collect()
                    }
                    Order::Oldest => Vec::new(),
                };
                Some((rows, kept.is_whole()))
            });
            let Some((rows, whole)) = part else { return shown };
            shown.extend(self.shown(&rows, filter_for, most - shown.len()));
            if shown.len() == most {
                return shown;
            }
            if rows.len() < next {
                self.beyond |= !whole;
                return shown;
            }
            skipped += next;
        }
    }

    /// The rows of a page from all of a person's, which are in no order.
    fn sorted(
        &mut self,
        mut rows: Vec<list::Entry>,
        order: Order,
        page: PageRequest,
        filter_for: Option<UserId>,
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
            shown.extend(self.shown(first, filter_for, most - shown.len()));
            rest = others;
        }
        shown
    }

    /// The first of `rows` without hidden people and without those with whom the viewer has a block. One of whom nobody has
    /// heard is not hidden.
    fn shown(&mut self, rows: &[list::Entry], filter_for: Option<UserId>, most: usize) -> Vec<list::Entry> {
        if rows.is_empty() {
            return Vec::new();
        }
        let users: Vec<UserId> = rows.iter().map(|row| row.user).collect();
        let blocked = filter_for.map(|viewer| self.blocked(viewer, &users)).unwrap_or_default();
        let status_of = |record: &Record| Some(record.person.as_ref()?.brief().access.status);
        let touch = |record: &Record| Some(u64::from(status_of(record)? == AccountStatus::Active));
        let heard_of = self.unknown.len();
        let status = self.read_each(Part::Person, &users, touch, |_, record| status_of(record));
        self.unknown.truncate(heard_of);
        let is_shown = |number: &usize| {
            status[*number].is_none_or(|status| status == AccountStatus::Active)
                && !blocked.get(*number).is_some_and(|blocked| *blocked)
        };
        (0..rows.len()).filter(is_shown).map(|number| rows[number]).take(most).collect()
    }

    /// Which of them the viewer blocks, or is blocked by.
    fn blocked(&mut self, viewer: UserId, users: &[UserId]) -> Vec<bool> {
        let blocks = self.read(Part::Outbound, viewer, |record| {
            let edges = record.outbound.as_ref()?;
            Some(users.iter().map(|user| edges.edge(*user).is_block()).collect::<Vec<bool>>())
        });
        let blocked_by = self.read(Part::Inbound, viewer, |record| {
            let blockers = record.inbound.as_ref()?.blockers.as_ref();
            let blocks_viewer = |all: &Vec<i64>| {
                users.iter().map(|user| all.binary_search(&user.get()).is_ok()).collect::<Vec<bool>>()
            };
            Some(blockers.map(blocks_viewer))
        });
        // More than are remembered.
        self.beyond |= matches!(blocked_by, Some(None));
        let (Some(blocks), Some(Some(blocked_by))) = (blocks, blocked_by) else { return Vec::new() };
        blocks.into_iter().zip(blocked_by).map(|(one, other)| one || other).collect()
    }
}

fn place(row: &list::Entry) -> (Micros, UserId) {
    (row.since, row.user)
}

fn most(page: PageRequest) -> usize {
    usize::try_from(page.rows_to_load()).unwrap_or(usize::MAX)
}

fn entry(&(neg_since, source): &(i64, i64)) -> list::Entry {
    list::Entry { user: UserId::new(source), since: Micros::new(-neg_since) }
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
