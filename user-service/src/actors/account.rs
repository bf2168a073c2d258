//! What one does to one's own account after proving again who one is.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::{SessionId, UserId};
use shared::secret::Secret;
use shared::writer::Transaction;

use super::change::{Answer, Outcome};
use super::login::end;
use super::profile::own;
use crate::domain::denial::Denial;
use crate::store;

/// A password that was judged, from somebody whose old one was verified.
#[derive(Debug, Clone)]
pub struct NewPasswordHash {
    /// Whose.
    pub user: UserId,
    /// The session that asks: it stays, all others end.
    pub keep: SessionId,
    /// The hash that the old password matched: it must still be the one.
    pub from: Secret,
    /// A PHC string.
    pub to: Secret,
}

/// Replaces a password, and ends every other session.
pub(super) fn change_password(
    tx: &mut Transaction<'_>,
    change: &NewPasswordHash,
    now: Micros,
) -> Result<Answer, StoreError> {
    let NewPasswordHash { user, keep, from, to } = change;
    if own(tx, *user)?.is_none() {
        return Ok(Err(Denial::AccountGone).into());
    }
    if !is_held(tx, *user, from)? {
        return Ok(Ok(Outcome::PasswordReplaced).into());
    }
    let live = store::session::live(tx.conn, *user, now)?;
    let (kept, ended): (Vec<SessionId>, Vec<SessionId>) =
        live.iter().map(|session| session.state.id).partition(|session| session == keep);
    // Ended while the passwords were hashed: who ended it did not want it to change anything more.
    if kept.is_empty() {
        return Ok(Err(Denial::AccountGone).into());
    }
    store::user::set_password_hash(tx.conn, *user, to.reveal())?;
    tx.wrote();
    end(tx, *user, &ended, now)?;
    Ok(Answer { outcome: Ok(Outcome::Ended), ended })
}

/// Whether a person's password is still the one that was verified.
pub(super) fn is_held(tx: &mut Transaction<'_>, user: UserId, hash: &Secret) -> Result<bool, StoreError> {
    Ok(store::user::password_hash(tx.conn, user)?.as_deref() == Some(hash.reveal()))
}
