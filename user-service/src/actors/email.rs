//! A person's e-mail address: verified, changed.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::{SessionId, UserId};
use shared::secret::Secret;

use super::account::is_held;
use super::change::{Answer, Outcome, UserEngine};
use super::login::end;
use super::mail::{Question, Redeemed, ask, count, note, redeem, tell};
use super::mail_limit::Asker;
use super::profile::{Patched, changed, own};
use super::step_up::stepped_up;
use crate::domain::account::User;
use crate::domain::change::Change;
use crate::domain::denial::Denial;
use crate::domain::email::Email;
use crate::domain::mail::Kind;
use crate::domain::mail_token::{Presented, Purpose};
use crate::store;
use crate::store::told::Transaction;

/// Somebody who wants another address.
#[derive(Debug, Clone)]
pub struct NewAddress {
    /// Who.
    pub user: UserId,
    /// The session that asks.
    pub session: SessionId,
    /// The hash that the password matched: it must still be the one. Without it, the login is the proof.
    pub hash: Option<Secret>,
    /// The address.
    pub email: Email,
}

/// Asks a newcomer whether the address is theirs.
pub(super) fn welcome(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    user: &User,
    now: Micros,
) -> Result<(), StoreError> {
    match user.email.as_ref().filter(|email| count(engine, Asker::Owner, email, now).is_ok()) {
        Some(to) => {
            let question = Question { user: user.id, purpose: Purpose::Verification, to, session: None };
            ask(engine, tx, question, now)
        }
        None => Ok(()),
    }
}

/// Asks again: about the address that is to be, or else about the one in force.
pub(super) fn ask_again(engine: &UserEngine, tx: &mut Transaction<'_>, user: UserId, now: Micros) -> Patched {
    let Some(user) = own(tx, user)? else { return Ok(Err(Denial::AccountGone)) };
    if engine.outbox.is_full() {
        return Ok(Err(Denial::Overloaded));
    }
    let wanted = store::mail_token::token(tx.conn, user.id, Purpose::EmailChange)?;
    let open = match wanted.filter(|token| now < token.expires_at) {
        Some(token) => Some((Purpose::EmailChange, Email::from_stored(token.address), token.session)),
        None => user.email.filter(|_| !user.email_verified).map(|email| (Purpose::Verification, email, None)),
    };
    let Some((purpose, email, session)) = open else { return Ok(Ok(Outcome::Accepted)) };
    let question = Question { user: user.id, purpose, to: &email, session };
    match (count(engine, Asker::Owner, &email, now), purpose) {
        (Ok(()), Purpose::EmailChange) if holder(tx, &email)?.is_some_and(|holder| holder.id != user.id) => {
            note(engine, tx, question, now)?;
        }
        (Ok(()), _) => ask(engine, tx, question, now)?,
        // Whether others write to that address, too, is not for who does not have it yet.
        (Err(_), Purpose::EmailChange) => {}
        (Err(exceeded), _) => return Ok(Err(exceeded)),
    }
    Ok(Ok(Outcome::Accepted))
}

/// Notes that a person wants another address, asks there whether it is theirs, and tells the old one. An address that
/// somebody has is answered the same; its holder is told.
pub(super) fn change(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    new: &NewAddress,
    now: Micros,
) -> Patched {
    let NewAddress { user, session, hash, email } = new;
    let Some(user) = own(tx, *user)? else { return Ok(Err(Denial::AccountGone)) };
    let stepped_up = stepped_up(engine, tx, user.id, *session, now)?;
    match (hash, stepped_up) {
        // A session that has ended proves nothing, whatever it knows.
        (_, Err(Denial::AccountGone)) => return Ok(Err(Denial::AccountGone)),
        (None, Err(denial)) => return Ok(Err(denial)),
        (Some(hash), _) if !is_held(tx, user.id, hash)? => return Ok(Ok(Outcome::PasswordReplaced)),
        (Some(_), _) | (None, Ok(())) => {}
    }
    if user.email.as_ref() == Some(email) {
        // Whoever wants what they have wants no other any more.
        if store::mail_token::void(tx.conn, user.id, Purpose::EmailChange)? {
            tx.wrote();
        }
        return Ok(Ok(Outcome::Accepted));
    }
    if engine.outbox.is_full() {
        return Ok(Err(Denial::Overloaded));
    }
    if let Some(old) = &user.email {
        if let Err(exceeded) = count(engine, Asker::Owner, old, now) {
            return Ok(Err(exceeded));
        }
        tell(engine, tx, user.id, Kind::EmailChangeAsked, old, now)?;
    }
    let purpose = Purpose::EmailChange;
    let question = Question { user: user.id, purpose, to: email, session: Some(*session) };
    let holder = holder(tx, email)?.filter(|holder| holder.id != user.id);
    let asker = if holder.is_some() { Asker::Rival } else { Asker::Owner };
    let is_counted = count(engine, asker, email, now).is_ok();
    match holder {
        None if is_counted => ask(engine, tx, question, now)?,
        // The wish is noted as any other, so that nothing that follows tells them apart; its token goes nowhere. What
        // was wished before is void in any case.
        holder => {
            note(engine, tx, question, now)?;
            if let Some(User { id, email: Some(address), .. }) = holder.filter(|_| is_counted) {
                tell(engine, tx, id, Kind::AddressInUse, &address, now)?;
            }
        }
    }
    Ok(Ok(Outcome::Accepted))
}

/// Whose an address is.
pub(super) fn holder(tx: &mut Transaction<'_>, email: &Email) -> Result<Option<User>, StoreError> {
    match store::claim::addresses(tx.conn, &[&email.key()])?.into_values().next() {
        Some(user) => store::user::user(tx.conn, user),
        None => Ok(None),
    }
}

/// Takes an address for its owner's: the one in force, or the new one, which is in force from here on and ends every
/// session but the one that asked for it.
pub(super) fn verify(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    presented: &Presented,
    now: Micros,
) -> Result<Answer, StoreError> {
    let invalid = || Answer::from(Err(Denial::InvalidToken));
    let verifies = match presented.purpose {
        Purpose::Verification | Purpose::EmailChange => redeem(engine, tx, presented, now)?,
        Purpose::PasswordReset => None,
    };
    let Some(Redeemed { mut user, email, session }) = verifies else { return Ok(invalid()) };
    let mut ended = Vec::new();
    if user.email.as_ref() != Some(&email) {
        if presented.purpose == Purpose::Verification {
            return Ok(invalid());
        }
        // Free when it was asked for; somebody may have come since.
        if holder(tx, &email)?.is_some_and(|holder| holder.id != user.id) {
            return Ok(invalid());
        }
        move_to(engine, tx, &mut user, email, now)?;
        let live = store::session::live(tx.conn, user.id, now)?;
        ended.extend(live.iter().map(|live| live.state.id).filter(|live| Some(*live) != session));
    }
    user.email_verified = true;
    changed(tx, &mut user, Change::Updated, now)?;
    end(tx, user.id, &ended, now)?;
    Ok(Answer { outcome: Ok(Outcome::Accepted), ended })
}

/// Gives a person an address. What was mailed to the one before opens nothing any more.
fn move_to(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    user: &mut User,
    email: Email,
    now: Micros,
) -> Result<(), StoreError> {
    let old = user.email.replace(email.clone());
    store::claim::move_address(tx.conn, user.id, old.as_ref().map(Email::key).as_deref(), &email.key())?;
    for purpose in Purpose::ALL {
        store::mail_token::void(tx.conn, user.id, purpose)?;
    }
    match old {
        Some(old) => tell(engine, tx, user.id, Kind::EmailChanged, &old, now),
        None => Ok(()),
    }
}
