//! One bounded step of the work that falls due by itself. What it finds is due or gone: doing it again changes nothing.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::UserId;

use super::change::UserEngine;
use super::deletion;
use super::login::tokens_expired_at;
use super::moderation;
use crate::domain::rename::{Hold, hold};
use crate::store;
use crate::store::told::Transaction;
use crate::store::upkeep::{Chore, OverdueName};

/// Rows that one step touches at the most, so that other commands go on in between.
const STEP_ROWS: i64 = 200;

/// Does some of what is due at `now`. Whether anything is left is asked of the tables.
pub(super) fn step(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    chore: Chore,
    now: Micros,
) -> Result<(), StoreError> {
    tx.wrote();
    match chore {
        Chore::Sessions => store::upkeep::forget_sessions(tx.conn, tokens_expired_at(now), STEP_ROWS),
        Chore::IdempotencyKeys => store::upkeep::forget_idempotency_keys(tx.conn, now, STEP_ROWS),
        Chore::FormerNames => free_names(tx, now),
        Chore::Purges => deletion::purge(tx, now, STEP_ROWS),
        Chore::Suspensions => moderation::unsuspend_due(engine, tx, now, STEP_ROWS),
    }
}

/// Gives names back whose quarantine is over, each with its look unless the person has another name of that look.
fn free_names(tx: &mut Transaction<'_>, now: Micros) -> Result<(), StoreError> {
    let overdue = store::upkeep::overdue_names(tx.conn, now, STEP_ROWS)?;
    let mut people: Vec<UserId> = overdue.iter().map(|name| name.user).collect();
    people.sort_unstable();
    people.dedup();
    let users = store::user::users(tx.conn, &people)?;
    let former = store::claim::former(tx.conn, &people)?;
    for OverdueName { user, look } in overdue {
        let in_use = users.get(&user).map(|person| &person.username);
        let names = former.get(&user).map_or(&[][..], Vec::as_slice);
        match hold(&look, in_use, names, now) {
            Hold::Over => store::claim::release(tx.conn, user, &look)?,
            Hold::InUse | Hold::Kept => store::claim::forget_former(tx.conn, user, &look, now)?,
        }
    }
    Ok(())
}
