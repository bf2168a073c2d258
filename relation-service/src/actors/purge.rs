//! R46: everything of a deleted person goes, both ways, some pairs in each step.

use std::collections::HashMap;

use shared::db::StoreError;
use shared::id::UserId;

use super::batch::event_of;
use super::sweep::Step;
use crate::domain::{Cause, CountDelta, Pair, Party, Place, changes, deltas};
use crate::store;
use crate::store::graph::Transaction;
use crate::store::pair::{Key, PairChange};
use crate::store::sweep::Kind;

/// Ends at most `pairs_max` pairs of `user`, or once there are none, removes rows of theirs. The last step notes that
/// the files are to be wiped.
pub(super) fn step(tx: &mut Transaction<'_>, user: UserId, pairs_max: u32) -> Result<Step, StoreError> {
    tx.wrote();
    let from = store::purge::place(tx.conn, user)?;
    let others = store::purge::others(tx.conn, user, from, i64::from(pairs_max))?;
    let pairs = u32::try_from(others.ids.len()).unwrap_or(pairs_max);
    if !others.ids.is_empty() {
        part(tx, user, &others.ids)?;
        if let Some(last) = others.last {
            store::purge::put_place(tx.conn, user, last)?;
        }
        return Ok(Step { pairs, more: true });
    }
    if from != Place::START {
        // Nobody acts towards who is gone, but an act of theirs may have been under way: another look at the whole.
        store::purge::put_place(tx.conn, user, Place::START)?;
        return Ok(Step { pairs, more: true });
    }
    let more = store::purge::erase(tx, user, i64::from(pairs_max))?;
    if !more {
        store::sweep::begin(tx, user, Kind::Wipe)?;
    }
    Ok(Step { pairs, more })
}

/// Ends whatever is between `user` and the others, with events and counters as after any other act.
fn part(tx: &mut Transaction<'_>, user: UserId, others: &[UserId]) -> Result<(), StoreError> {
    let keys: Vec<Key> = others.iter().map(|&other| (user, other)).collect();
    let pairs = store::pair::whole_pairs(tx.conn, &keys)?;
    let mut ends = others.to_vec();
    ends.push(user);
    let shadows = store::shadow::shadows(tx.conn, &ends)?;
    let party = |id| Party { id, shadow: shadows.get(&id).copied().unwrap_or_default() };
    let mut counts: HashMap<UserId, CountDelta> = HashMap::new();
    let mut ended = Vec::with_capacity(keys.len());
    for &key in &keys {
        let (before, after) = (pairs.get(&key).copied().unwrap_or_default(), Pair::default());
        let now = tx.tick();
        for change in changes(before.at(now), after, Some(Cause::Deleted)) {
            tx.emit(event_of(&change, key.0, key.1, now));
        }
        let (own, theirs) = deltas(before, after, party(key.0), party(key.1));
        *counts.entry(key.0).or_default() += own;
        *counts.entry(key.1).or_default() += theirs;
        ended.push(PairChange { key, before, after });
    }
    store::pair::write(tx, &ended)?;
    let both_ways: Vec<Key> = keys.iter().flat_map(|&(one, other)| [(one, other), (other, one)]).collect();
    store::purge::forget_notes(tx, &both_ways)?;
    store::count::add(tx, &counts)
}
