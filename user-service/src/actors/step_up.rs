//! Sessions that have proved their person a short time ago.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::{SessionId, UserId};

use super::account::{Proved, is_held};
use super::change::{Outcome, UserEngine};
use super::profile::own;
use super::second_factor;
use crate::domain::denial::Denial;
use crate::domain::step_up::{decide, proved_until};
use crate::domain::two_factor::Code;
use crate::store;
use crate::store::told::Transaction;

/// Somebody who proves again who they are.
#[derive(Debug, Clone)]
pub struct StepUp {
    /// By the password.
    pub proved: Proved,
    /// Of the second factor, if one was shown.
    pub code: Option<Code>,
}

/// Notes that a session has proved its person.
pub(super) fn step_up(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    asked: &StepUp,
    now: Micros,
) -> Result<Result<Outcome, Denial>, StoreError> {
    let StepUp { proved: Proved { user, session, hash }, code } = asked;
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
    if let Err(refusal) = second_factor::ask(engine, tx, *user, code.as_ref(), now)? {
        return Ok(Err(Denial::of_code_in_session(refusal)));
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
