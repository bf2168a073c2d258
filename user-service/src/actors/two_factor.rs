//! Setting up a second factor, and giving it up. All of it asks for a session that has proved its person.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::{SessionId, UserId};

use super::account::void_ways_in;
use super::change::{Answer, Outcome, UserEngine};
use super::login::revoke_others;
use super::mail::tell;
use super::profile::own;
use super::{idempotency, second_factor};
use crate::domain::account::User;
use crate::domain::denial::Denial;
use crate::domain::idempotency::KeyedRequest;
use crate::domain::mail::Kind;
use crate::domain::totp::Matched;
use crate::domain::two_factor::{Code, CodeRefusal, TwoFactor};
use crate::domain::username::Username;
use crate::store;
use crate::store::idempotency::Made;
use crate::store::told::Transaction;

/// A change of a person's second factor.
#[derive(Debug, Clone)]
pub struct TwoFactorChange {
    /// Whose.
    pub user: UserId,
    /// The session that asks.
    pub session: SessionId,
    /// What is asked for.
    pub act: TwoFactorAct,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub enum TwoFactorAct {
    /// A secret that is in force once its first code is shown.
    Begin {
        /// See [`crate::domain::sealed`].
        sealed_secret: String,
        /// What the caller named the request, if anything.
        request: Option<KeyedRequest>,
    },
    /// From here on, logins need a code.
    Confirm {
        /// The first code.
        code: Code,
        /// Of the first recovery codes.
        digests: Vec<String>,
    },
    /// Other recovery codes.
    ReplaceRecoveryCodes {
        /// Of the new ones.
        digests: Vec<String>,
    },
    /// From here on, the password is enough.
    End,
}

/// A second factor that waits for its first code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Whose, as apps show it.
    pub username: Username,
    /// See [`crate::domain::sealed`].
    pub sealed_secret: String,
}

/// Does what is asked for.
pub(super) fn change(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    change: &TwoFactorChange,
    now: Micros,
) -> Result<Answer, StoreError> {
    let TwoFactorChange { user, session, act } = change;
    let Some(person) = own(tx, *user)? else { return Ok(Err(Denial::AccountGone).into()) };
    if let Err(denial) = super::step_up::stepped_up(engine, tx, *user, *session, now)? {
        return Ok(Err(denial).into());
    }
    let held = store::two_factor::two_factor(tx.conn, *user)?;
    let is_enabled = held.as_ref().is_some_and(|held| held.enabled_at.is_some());
    match act {
        TwoFactorAct::Begin { .. } | TwoFactorAct::Confirm { .. } if is_enabled => {
            Ok(Err(Denial::TwoFactorEnabled).into())
        }
        TwoFactorAct::Begin { sealed_secret, request } => {
            let begun = begin(engine, tx, *user, held, sealed_secret, request.as_ref(), now)?;
            let username = person.username;
            let outcome = begun
                .map(|sealed_secret| Outcome::TwoFactorBegun(Box::new(Begun { username, sealed_secret })));
            Ok(outcome.into())
        }
        TwoFactorAct::Confirm { code, digests } => {
            let Some(held) = held.filter(|held| held.is_pending(now)) else {
                return Ok(Err(Denial::TwoFactorNotPending).into());
            };
            match first_code(engine, tx, held, code, now)? {
                Ok(held) => {
                    notify(engine, tx, &person, Kind::TwoFactorEnabled, now)?;
                    enable(tx, *session, held, digests, now)
                }
                Err(refusal) => Ok(Err(Denial::of_code_in_session(refusal)).into()),
            }
        }
        TwoFactorAct::ReplaceRecoveryCodes { .. } if !is_enabled => {
            Ok(Err(Denial::TwoFactorNotEnabled).into())
        }
        TwoFactorAct::ReplaceRecoveryCodes { digests } => {
            store::two_factor::replace_recovery_codes(tx.conn, *user, digests)?;
            tx.wrote();
            Ok(Ok(Outcome::Done).into())
        }
        TwoFactorAct::End => Ok(Ok(end(engine, tx, &person, held, now)?).into()),
    }
}

/// Gives up a second factor, also one that waits for its first code.
fn end(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    person: &User,
    held: Option<TwoFactor>,
    now: Micros,
) -> Result<Outcome, StoreError> {
    let Some(held) = held else { return Ok(Outcome::Done) };
    store::two_factor::remove(tx.conn, held.user)?;
    tx.wrote();
    if held.enabled_at.is_some() {
        notify(engine, tx, person, Kind::TwoFactorEnded, now)?;
    }
    Ok(Outcome::Done)
}

/// Tells a person by mail what became of their second factor.
fn notify(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    person: &User,
    kind: Kind,
    now: Micros,
) -> Result<(), StoreError> {
    match &person.email {
        Some(email) => tell(engine, tx, person.id, kind, email, now),
        None => Ok(()),
    }
}

/// Keeps a secret until its first code is shown, in place of one that was not confirmed. Returns it; for a repeated
/// request the one that it was answered with.
fn begin(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    held: Option<TwoFactor>,
    sealed_secret: &str,
    request: Option<&KeyedRequest>,
    now: Micros,
) -> Result<Result<String, Denial>, StoreError> {
    let made = match idempotency::made(tx, request, now)? {
        Ok(made) => made,
        Err(denial) => return Ok(Err(denial)),
    };
    let answered = held.filter(|held| {
        held.is_pending(now) && made.is_some_and(|made| made.user == user && made.id == held.begun_at.get())
    });
    if let Some(answered) = answered {
        return Ok(Ok(answered.sealed_secret));
    }
    let begun = TwoFactor::begun(user, sealed_secret.to_owned(), now);
    store::two_factor::save(tx.conn, &begun)?;
    let made = Made { user, id: begun.begun_at.get(), begun: None };
    idempotency::remember(engine, tx, request, made, now)?;
    tx.wrote();
    Ok(Ok(begun.sealed_secret))
}

/// Looks at the code that is to confirm a second factor: it shows that an app has the secret.
fn first_code(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    held: TwoFactor,
    code: &Code,
    now: Micros,
) -> Result<Result<TwoFactor, CodeRefusal>, StoreError> {
    if let Some(wait) = held.wait(now) {
        return Ok(Err(CodeRefusal::TooMany(wait)));
    }
    let matched = match code {
        Code::Totp(typed) => {
            second_factor::secret(engine, &held)?.matched(typed.reveal(), now, held.last_step)
        }
        Code::Recovery(_) | Code::Neither => Matched::Wrong,
    };
    second_factor::one_time(tx, held, matched, now)
}

/// Puts a second factor into force. Every other session was opened without it and ends, and so does what was mailed
/// and could take the account: whoever asked for it may not have both factors.
fn enable(
    tx: &mut Transaction<'_>,
    session: SessionId,
    held: TwoFactor,
    digests: &[String],
    now: Micros,
) -> Result<Answer, StoreError> {
    let held = TwoFactor { enabled_at: Some(now), ..held };
    store::two_factor::save(tx.conn, &held)?;
    store::two_factor::replace_recovery_codes(tx.conn, held.user, digests)?;
    tx.wrote();
    void_ways_in(tx, held.user)?;
    revoke_others(tx, held.user, session, now)
}
