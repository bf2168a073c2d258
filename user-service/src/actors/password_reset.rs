//! A new password without the old one, by a token that was mailed.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::SessionId;
use shared::secret::Secret;

use super::account::void_ways_in;
use super::change::{Answer, Outcome, UserEngine};
use super::login::end;
use super::mail::{Question, Redeemed, ask, count, redeem, tell};
use super::mail_limit::Asker;
use super::mailer::SENDS_MAX;
use crate::domain::account::User;
use crate::domain::denial::Denial;
use crate::domain::limits::RESET_REQUESTS_MAX;
use crate::domain::mail::Kind;
use crate::domain::mail_token::{Presented, Purpose};
use crate::store;
use crate::store::told::Transaction;

/// A password that was judged, from somebody with a token that was valid a moment ago.
#[derive(Debug, Clone)]
pub struct ResetPassword {
    /// Verified again, and used up.
    pub token: Presented,
    /// A PHC string.
    pub to: Secret,
}

/// Notes that somebody asks for a new password, without looking whether there is an account.
pub(super) fn request(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    email_key: &str,
    now: Micros,
) -> Result<Result<Outcome, Denial>, StoreError> {
    let waiting = store::password_reset::waiting(tx.conn, RESET_REQUESTS_MAX)?;
    if engine.outbox.is_full() || waiting >= RESET_REQUESTS_MAX {
        return Ok(Err(Denial::Overloaded));
    }
    store::password_reset::ask(tx.conn, email_key, now)?;
    tx.wrote();
    Ok(Ok(Outcome::Accepted))
}

/// Looks whose the addresses are, and mails a token to those that are somebody's: to the address as the account has it.
pub(super) fn open_requests(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    now: Micros,
) -> Result<(), StoreError> {
    let keys = store::password_reset::take(tx.conn, now.before(Purpose::PasswordReset.life()), SENDS_MAX)?;
    if keys.is_empty() {
        return Ok(());
    }
    tx.wrote();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let holders: Vec<_> = store::claim::addresses(tx.conn, &keys)?.into_values().collect();
    for user in store::user::users(tx.conn, &holders)?.into_values().filter(User::may_sign_in) {
        // One too many changes nothing: the token that was mailed last stays good.
        if let Some(email) =
            user.email.as_ref().filter(|email| count(engine, Asker::Anybody, email, now).is_ok())
        {
            let purpose = Purpose::PasswordReset;
            ask(engine, tx, Question { user: user.id, purpose, to: email, session: None }, now)?;
        }
    }
    Ok(())
}

/// Sets the password, and ends every session: whoever is signed in may be the reason for the reset.
pub(super) fn reset(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    reset: &ResetPassword,
    now: Micros,
) -> Result<Answer, StoreError> {
    let invalid = || Answer::from(Err(Denial::InvalidToken));
    if reset.token.purpose != Purpose::PasswordReset {
        return Ok(invalid());
    }
    let Some(Redeemed { user, email, .. }) = redeem(engine, tx, &reset.token, now)? else {
        return Ok(invalid());
    };
    if user.email.as_ref() != Some(&email) {
        return Ok(invalid());
    }
    store::user::set_password_hash(tx.conn, user.id, reset.to.reveal())?;
    void_ways_in(tx, user.id)?;
    let live = store::session::live(tx.conn, user.id, now)?;
    let ended: Vec<SessionId> = live.iter().map(|session| session.state.id).collect();
    end(tx, user.id, &ended, now)?;
    tell(engine, tx, user.id, Kind::PasswordChanged, &email, now)?;
    Ok(Answer { outcome: Ok(Outcome::Ended), ended })
}
