//! Long work in steps: requests answered by the many, and hidden people taken out of counters.

use std::collections::HashMap;

use shared::db::StoreError;
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::page::Position;

use super::batch::Act;
use super::change::{Answer, RelationEngine};
use super::purge;
use crate::domain::{Action, CountDelta, Place, Shadow, shadow_delta};
use crate::store;
use crate::store::graph::Transaction;
use crate::store::shadow::Way;
use crate::store::sweep::{Kind, Stretch};

/// What a step came to.
pub(super) struct Step {
    /// Pairs touched.
    pub(super) pairs: u32,
    /// Whether another step is needed.
    pub(super) more: bool,
}

/// Accepts or rejects the oldest requests to `user` behind the one at `after`.
pub(super) fn answer_requests(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    accept: bool,
    after: Option<Position>,
) -> Result<Answer, StoreError> {
    let action = if accept { Action::Accept } else { Action::Reject };
    let requests = store::sweep::requesters(tx.conn, user, stretch(engine, after))?;
    let count = answer(engine, tx, requests.users.into_iter().map(|target| (user, target)), action)?;
    Ok(Answer::Requests { count, next: requests.next })
}

/// The next step of a sweep; the last one takes it off the list.
pub(super) fn step(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    kind: Kind,
) -> Result<Answer, StoreError> {
    let facts = store::fact::known_one(tx.conn, user)?;
    let active = facts.as_ref().is_some_and(|facts| facts.status == AccountStatus::Active);
    let public = facts.is_some_and(|facts| !facts.private_account);
    let step = match kind {
        Kind::AcceptReceived if active && public => accept_some(engine, tx, user, kind)?,
        Kind::AcceptSent if active => accept_some(engine, tx, user, kind)?,
        // Private or hidden again: whoever goes public or returns next time starts a new sweep.
        Kind::AcceptReceived | Kind::AcceptSent => Step { pairs: 0, more: false },
        Kind::Count => count(tx, user, !active, engine.step)?,
        Kind::Purge => purge::step(tx, user, engine.step)?,
        Kind::Wipe => Step { pairs: 0, more: true },
    };
    if !step.more {
        store::sweep::end(tx, user, kind)?;
    }
    Ok(Answer::Answered { count: step.pairs, more: step.more })
}

/// Accepts requests to `user`; or requests of `user`, in the name of those who went public while `user` was hidden.
fn accept_some(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    kind: Kind,
) -> Result<Step, StoreError> {
    let from = stretch(engine, store::sweep::place(tx.conn, user, kind)?);
    let sent = kind == Kind::AcceptSent;
    let requests = if sent {
        store::sweep::public_requested(tx.conn, user, from)?
    } else {
        store::sweep::requesters(tx.conn, user, from)?
    };
    let pairs = requests.users.into_iter().map(|other| if sent { (other, user) } else { (user, other) });
    let pairs = answer(engine, tx, pairs, Action::Accept)?;
    if let Some(place) = requests.next {
        store::sweep::come_to(tx, user, kind, place)?;
    }
    Ok(Step { pairs, more: requests.next.is_some() })
}

fn stretch(engine: &RelationEngine, after: Option<Position>) -> Stretch {
    Stretch { after, most: engine.step }
}

/// Has each first one answer the second's request. Returns how many were answered.
fn answer(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    pairs: impl Iterator<Item = (UserId, UserId)>,
    action: Action,
) -> Result<u32, StoreError> {
    let acts: Vec<Act> = pairs.map(|(source, target)| Act { source, target, action, found: true }).collect();
    let answers = engine.act(tx, &acts)?;
    let done = answers.iter().filter(|answer| matches!(answer, Answer::Acted(acted) if acted.changed));
    Ok(u32::try_from(done.count()).unwrap_or(engine.step))
}

/// Takes edges of `user` out of the counters of others while they are hidden, or puts them back: at most
/// `pairs_max` of them. No event tells of it, since no edge ends or begins.
pub(super) fn count(
    tx: &mut Transaction<'_>,
    user: UserId,
    hidden: bool,
    pairs_max: u32,
) -> Result<Step, StoreError> {
    if pairs_max == 0 {
        return Ok(Step { pairs: 0, more: true });
    }
    let before = store::shadow::shadows(tx.conn, &[user])?.remove(&user).unwrap_or_default();
    let moved =
        if hidden { onward(tx, user, before, pairs_max)? } else { back(tx, user, before, pairs_max)? };
    let Moved { after, mut others } = moved;
    if after == before {
        return Ok(Step { pairs: 0, more: false });
    }
    others.sort_unstable();
    others.dedup();
    let keys: Vec<_> = others.iter().map(|&other| (other, user)).collect();
    let deltas: HashMap<UserId, CountDelta> = store::pair::pairs(tx.conn, &keys)?
        .into_iter()
        .map(|((other, _), pair)| (other, shadow_delta(pair, other, before, after)))
        .collect();
    tx.wrote();
    store::count::add(tx, &deltas)?;
    store::shadow::put(tx.conn, user, after)?;
    let end = if hidden { Shadow::WHOLE } else { Shadow::NONE };
    Ok(Step { pairs: u32::try_from(others.len()).unwrap_or(pairs_max), more: after != end })
}

/// A shadow's next place, and the people at the other ends of the edges in between.
struct Moved {
    after: Shadow,
    others: Vec<UserId>,
}

fn onward(tx: &mut Transaction<'_>, user: UserId, from: Shadow, most: u32) -> Result<Moved, StoreError> {
    let most = i64::from(most);
    let incoming = store::shadow::incoming(tx.conn, user, from.incoming, Way::Onward, most)?;
    let mut after = Shadow { incoming: *last_of_full(&incoming, most).unwrap_or(&Place::END), ..from };
    let mut others: Vec<UserId> = incoming.iter().map(|place| place.source).collect();
    if after.incoming == Place::END {
        let left = most - length(&others);
        let outgoing = store::shadow::outgoing(tx.conn, user, from.outgoing, Way::Onward, left)?;
        after.outgoing = *last_of_full(&outgoing, left).unwrap_or(&Shadow::WHOLE.outgoing);
        others.extend(outgoing);
    }
    Ok(Moved { after, others })
}

/// Loads one edge more than may be touched: up to that one everything stays left out.
fn back(tx: &mut Transaction<'_>, user: UserId, from: Shadow, most: u32) -> Result<Moved, StoreError> {
    let most = i64::from(most);
    let mut outgoing = store::shadow::outgoing(tx.conn, user, from.outgoing, Way::Back, most + 1)?;
    let rest = if length(&outgoing) > most { outgoing.pop() } else { None };
    let mut after = Shadow { outgoing: rest.unwrap_or(Shadow::NONE.outgoing), ..from };
    let mut others = outgoing;
    if rest.is_none() {
        let left = most - length(&others);
        let mut incoming = store::shadow::incoming(tx.conn, user, from.incoming, Way::Back, left + 1)?;
        let rest = if length(&incoming) > left { incoming.pop() } else { None };
        after.incoming = rest.unwrap_or(Place::START);
        others.extend(incoming.iter().map(|place| place.source));
    }
    Ok(Moved { after, others })
}

/// Where a page ends if there may be another.
fn last_of_full<T>(page: &[T], limit: i64) -> Option<&T> {
    page.last().filter(|_| length(page) >= limit)
}

fn length<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}
