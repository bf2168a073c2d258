//! Writing down what user-service told.

use std::collections::HashMap;

use shared::db::StoreError;
use shared::id::UserId;
use shared::writer::Transaction;

use super::change::Learned;
use crate::store;
use crate::store::fact::KnownUser;

/// Replaces older knowledge by newer, starts what follows from it, and moves the feed's position in
/// the same transaction: what is delivered again changes nothing.
pub(super) fn apply(tx: &mut Transaction<'_>, learned: &Learned) -> Result<(), StoreError> {
    let ids: Vec<UserId> = learned.users.iter().map(|user| user.id).collect();
    let mut known = store::fact::known(tx.conn, &ids)?;
    for user in &learned.users {
        if known.get(&user.id).is_none_or(|held| held.seq < user.seq) {
            if went_public(&known, user) {
                store::sweep::begin(tx.conn, user.id)?;
            }
            store::fact::put(tx.conn, user)?;
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

fn went_public(known: &HashMap<UserId, KnownUser>, user: &KnownUser) -> bool {
    !user.facts.private_account && known.get(&user.id).is_some_and(|held| held.facts.private_account)
}
