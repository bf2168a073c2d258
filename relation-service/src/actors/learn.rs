//! Writing down what user-service told.

use std::collections::HashSet;

use shared::db::StoreError;
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::writer::Transaction;

use super::change::{Learned, RelationEngine};
use super::sweep;
use crate::store;
use crate::store::fact::KnownUser;
use crate::store::sweep::Kind;

/// Replaces older knowledge by newer, starts what follows from it, and moves the feed's position in
/// the same transaction: what is delivered again changes nothing.
pub(super) fn apply(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    learned: &Learned,
) -> Result<(), StoreError> {
    let gone = gone(tx, learned)?;
    let users: Vec<&KnownUser> = learned.users.iter().chain(&gone).collect();
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let mut known = store::fact::known(tx.conn, &ids)?;
    let mut pairs_left = engine.step;
    for user in users {
        let held = known.get(&user.id);
        if held.is_none_or(|held| held.seq < user.seq) {
            let (was_there, is_there) = (held.is_none_or(is_active), is_active(user));
            let went_public = is_public(user) && held.is_some_and(|held| !is_public(held));
            store::fact::put(tx.conn, user)?;
            if went_public {
                store::sweep::begin(tx.conn, user.id, Kind::AcceptReceived)?;
            }
            if was_there != is_there {
                appeared_or_vanished(tx, user, &mut pairs_left)?;
            }
            known.insert(user.id, user.clone());
        }
    }
    for &(session, at) in &learned.revoked {
        store::session::revoke(tx.conn, session, at)?;
    }
    for (seq, reason) in &learned.parked {
        store::fact::park(tx.conn, *seq, reason)?;
    }
    if let Some(position) = learned.position {
        store::fact::set_feed_position(tx.conn, position)?;
    }
    tx.wrote();
    Ok(())
}

/// Who is known, but not told of in a list of everybody: their end was an event that this service has missed.
fn gone(tx: &mut Transaction<'_>, learned: &Learned) -> Result<Vec<KnownUser>, StoreError> {
    let Some(listed) = learned.listed else { return Ok(Vec::new()) };
    let told: HashSet<UserId> = learned.users.iter().map(|user| user.id).collect();
    let mut known = store::fact::known_between(tx.conn, listed.after, listed.through)?;
    // Who was told of after the list was made is there.
    known.retain(|user| !told.contains(&user.id) && user.seq < listed.seq);
    for user in &mut known {
        user.facts.status = AccountStatus::Deleted;
        user.seq = listed.seq;
    }
    Ok(known)
}

/// Lists leave a hidden person out as soon as the facts say so. The counters of others follow in the same
/// transaction as far as one step reaches, which is all the way for nearly everybody.
fn appeared_or_vanished(
    tx: &mut Transaction<'_>,
    user: &KnownUser,
    pairs_left: &mut u32,
) -> Result<(), StoreError> {
    let hidden = !is_active(user);
    let step = sweep::count(tx, user.id, hidden, *pairs_left)?;
    *pairs_left = pairs_left.saturating_sub(step.pairs);
    if step.more {
        store::sweep::begin(tx.conn, user.id, Kind::Count)?;
    }
    if !hidden {
        // What was public in the meantime, on either side, accepted nothing of theirs.
        store::sweep::begin(tx.conn, user.id, Kind::AcceptReceived)?;
        store::sweep::begin(tx.conn, user.id, Kind::AcceptSent)?;
    }
    Ok(())
}

fn is_active(user: &KnownUser) -> bool {
    user.facts.status == AccountStatus::Active
}

fn is_public(user: &KnownUser) -> bool {
    !user.facts.private_account
}
