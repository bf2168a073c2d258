//! Long work in steps: requests answered by the many, and hidden people taken out of counters.

use std::collections::HashMap;

use shared::db::StoreError;
use shared::facts::AccountStatus;
use shared::id::UserId;

use super::batch::Act;
use super::change::{Answer, RelationEngine};
use super::purge;
use crate::domain::{Action, CountDelta, Place, Shadow, shadow_delta};
use crate::store;
use crate::store::graph::Transaction;
use crate::store::shadow::Way;
use crate::store::sweep::Kind;

/// What a step came to.
pub(super) struct Step {
    /// Pairs touched.
    pub(super) pairs: u32,
    /// Whether another step is needed.
    pub(super) more: bool,
}

/// Accepts or rejects the oldest requests to `user`.
pub(super) fn answer_requests(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    accept: bool,
) -> Result<Answer, StoreError> {
    let step = answer_some(engine, tx, user, if accept { Action::Accept } else { Action::Reject })?;
    Ok(Answer::Answered { count: step.pairs, more: step.more })
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
        Kind::AcceptReceived if active && public => answer_some(engine, tx, user, Action::Accept)?,
        Kind::AcceptSent if active => accept_sent(engine, tx, user)?,
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

fn answer_some(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    action: Action,
) -> Result<Step, StoreError> {
    let requesters = store::sweep::requesters(tx.conn, user, i64::from(engine.step))?;
    let act = |target| Act { source: user, target, action, found: true };
    answer(engine, tx, requesters.into_iter().map(act).collect())
}

/// Accepts requests of `user` in the name of those who went public while `user` was hidden.
fn accept_sent(engine: &RelationEngine, tx: &mut Transaction<'_>, user: UserId) -> Result<Step, StoreError> {
    let asked = store::sweep::public_requested(tx.conn, user, i64::from(engine.step))?;
    let act = |source| Act { source, target: user, action: Action::Accept, found: true };
    answer(engine, tx, asked.into_iter().map(act).collect())
}

fn answer(engine: &RelationEngine, tx: &mut Transaction<'_>, acts: Vec<Act>) -> Result<Step, StoreError> {
    let answers = engine.act(tx, &acts)?;
    let done = answers.iter().filter(|answer| matches!(answer, Answer::Acted(acted) if acted.changed));
    let pairs = u32::try_from(done.count()).unwrap_or(engine.step);
    Ok(Step { pairs, more: pairs == engine.step })
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
