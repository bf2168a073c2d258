//! Sessions that have proved their person a short time ago.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::{SessionId, UserId};
use shared::writer::Transaction;

use super::account::{Proved, is_held};
use super::change::{Outcome, UserEngine};
use super::profile::own;
use crate::domain::denial::Denial;
use crate::domain::step_up::{decide, proved_until};
use crate::store;

/// Notes that a session has proved its person.
pub(super) fn step_up(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    proved: &Proved,
    now: Micros,
) -> Result<Result<Outcome, Denial>, StoreError> {
    let Proved { user, session, hash } = proved;
    if own(tx, *user)?.is_none() {
        return Ok(Err(Denial::AccountGone));
    }
    if !is_held(tx, *user, hash)? {
        return Ok(Ok(Outcome::PasswordReplaced));
    }
    let found = store::session::session(tx.conn, *user, *session)?;
    if !found.is_some_and(|session| session.state.is_live(now)) {
        return Ok(Err(Denial::AccountGone));
    }
    store::session::prove(tx.conn, *user, *session, now)?;
    tx.wrote();
    Ok(Ok(Outcome::SteppedUp(proved_until(now, engine.rules.session.proof))))
}

/// Whether a session may change how its person signs in: asked by every command that does.
pub fn stepped_up(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    session: SessionId,
    now: Micros,
) -> Result<Result<(), Denial>, StoreError> {
    let found = store::session::session(tx.conn, user, session)?;
    Ok(found
        .map_or(Err(Denial::AccountGone), |session| decide(&session.state, now, engine.rules.session.proof)))
}
