//! What one does to one's own account after proving again who one is.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::{SessionId, UserId};
use shared::secret::Secret;

use super::change::{Answer, Outcome, UserEngine};
use super::login::end;
use super::mail::tell;
use super::moderation::has_other_admin;
use super::profile::{changed, own};
use crate::domain::account::{Role, Status};
use crate::domain::change::Change;
use crate::domain::denial::Denial;
use crate::domain::mail::Kind;
use crate::domain::mail_token::Purpose;
use crate::store;
use crate::store::told::Transaction;

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

/// Somebody who asks for something that matters, and has proved again who they are.
#[derive(Debug, Clone)]
pub struct Proved {
    /// Who.
    pub user: UserId,
    /// The session that asks.
    pub session: SessionId,
    /// The hash that the password matched: it must still be the one.
    pub hash: Secret,
}

/// Replaces a password, and ends every other session and every way around it that is open.
pub(super) fn change_password(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    change: &NewPasswordHash,
    now: Micros,
) -> Result<Answer, StoreError> {
    let NewPasswordHash { user, keep, from, to } = change;
    let Some(person) = own(tx, *user)? else { return Ok(Err(Denial::AccountGone).into()) };
    if !is_held(tx, *user, from)? {
        return Ok(Ok(Outcome::PasswordReplaced).into());
    }
    let Some(ended) = others(tx, *user, *keep, now)? else {
        return Ok(Err(Denial::AccountGone).into());
    };
    store::user::set_password_hash(tx.conn, *user, to.reveal())?;
    tx.wrote();
    void_ways_in(tx, *user)?;
    end(tx, *user, &ended, now)?;
    if let Some(email) = &person.email {
        tell(engine, tx, *user, Kind::PasswordChanged, email, now)?;
    }
    Ok(Answer { outcome: Ok(Outcome::Ended), ended })
}

/// Voids what was mailed and could take the account: a thief may have asked for it.
pub(super) fn void_ways_in(tx: &mut Transaction<'_>, user: UserId) -> Result<(), StoreError> {
    for purpose in [Purpose::PasswordReset, Purpose::EmailChange] {
        store::mail_token::void(tx.conn, user, purpose)?;
    }
    Ok(())
}

/// Closes an account until its owner signs in again, and ends all their sessions.
pub(super) fn close(tx: &mut Transaction<'_>, proved: &Proved, now: Micros) -> Result<Answer, StoreError> {
    let Proved { user, session, hash } = proved;
    let Some(mut user) = own(tx, *user)? else { return Ok(Err(Denial::AccountGone).into()) };
    if !is_held(tx, user.id, hash)? {
        return Ok(Ok(Outcome::PasswordReplaced).into());
    }
    if user.role == Role::Admin && !has_other_admin(tx, &user)? {
        return Ok(Err(Denial::LastAdmin).into());
    }
    let Some(mut ended) = others(tx, user.id, *session, now)? else {
        return Ok(Err(Denial::AccountGone).into());
    };
    ended.push(*session);
    user.status = Status::Deactivated;
    changed(tx, &mut user, Change::Deactivated, now)?;
    end(tx, user.id, &ended, now)?;
    Ok(Answer { outcome: Ok(Outcome::Ended), ended })
}

/// The live sessions of a person beside the one that asks. Nothing if that one has ended, while the password was
/// verified: who ended it did not want it to change anything more.
fn others(
    tx: &mut Transaction<'_>,
    user: UserId,
    session: SessionId,
    now: Micros,
) -> Result<Option<Vec<SessionId>>, StoreError> {
    let live = store::session::live(tx.conn, user, now)?;
    let (own, others): (Vec<SessionId>, Vec<SessionId>) =
        live.iter().map(|live| live.state.id).partition(|live| *live == session);
    Ok(Some(others).filter(|_| !own.is_empty()))
}

/// Whether a person's password is still the one that was verified.
pub(super) fn is_held(tx: &mut Transaction<'_>, user: UserId, hash: &Secret) -> Result<bool, StoreError> {
    Ok(store::user::password_hash(tx.conn, user)?.as_deref() == Some(hash.reveal()))
}
