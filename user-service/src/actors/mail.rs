//! Mails: written into the outbox with the change that they tell of, taken from there to be sent, and settled.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::{SessionId, UserId};
use shared::secret::Secret;

use super::change::{Outcome, UserEngine};
use super::mail_limit::Asker;
use super::password_reset;
use crate::domain::account::User;
use crate::domain::denial::Denial;
use crate::domain::email::Email;
use crate::domain::limits::{FAILED_MAIL_KEPT, NOTICE_LIFE};
use crate::domain::mail::Kind;
use crate::domain::mail_token::{MailToken, Presented, Purpose};
use crate::store;
use crate::store::mail::Mail;

use super::mailer::LEASE;
use crate::store::told::Transaction;

/// A mail that is to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The mail.
    pub mail: Mail,
    /// Whose account it is about.
    pub username: String,
    /// The token that it brings, if any.
    pub token: Option<Secret>,
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// The mail server has taken the mail.
    Sent,
    /// It has not, and may later.
    Later(Micros),
    /// It has not, and never will, or the mail was tried often enough.
    Never,
}

/// Counts a mail to an address; refuses one too many that such askers cause.
pub(super) fn count(engine: &UserEngine, asker: Asker, to: &Email, now: Micros) -> Result<(), Denial> {
    let Some(limit) = &engine.mail_limit else { return Ok(()) };
    limit.count((asker, to.counted()), now).map(drop).map_err(Denial::TooManyMails)
}

/// Has a person told something at an address.
pub(super) fn tell(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    kind: Kind,
    to: &Email,
    now: Micros,
) -> Result<(), StoreError> {
    write(engine, tx, &Letter { user, kind, to, token_id: None, expires_at: now.after(NOTICE_LIFE) }, now)
}

/// What a person is asked at an address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// Whom.
    pub(super) user: UserId,
    /// What for.
    pub(super) purpose: Purpose,
    /// Where.
    pub(super) to: &'a Email,
    /// For another address: the session that asked for it.
    pub(super) session: Option<SessionId>,
}

/// Has a person asked something at an address. The token that the mail brings voids the one before of its purpose.
pub(super) fn ask(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    question: Question<'_>,
    now: Micros,
) -> Result<(), StoreError> {
    let Question { user, purpose, to, .. } = question;
    let kind = match purpose {
        Purpose::Verification => Kind::Verification,
        Purpose::EmailChange => Kind::EmailChange,
        Purpose::PasswordReset => Kind::PasswordReset,
    };
    let (id, expires_at) = note(engine, tx, question, now)?;
    write(engine, tx, &Letter { user, kind, to, token_id: Some(id), expires_at }, now)
}

/// Notes what a person is asked, which voids the token before of its purpose, without a mail that brings the new one.
pub(super) fn note(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    question: Question<'_>,
    now: Micros,
) -> Result<(i64, Micros), StoreError> {
    let Question { user, purpose, to, session } = question;
    let nonce =
        Secret::random().map_err(|error| StoreError::Unavailable(format!("no randomness: {error}")))?;
    let (id, expires_at) = (engine.ids.next()?, now.after(purpose.life()));
    let token = MailToken { user, purpose, id, nonce, address: to.as_str().to_owned(), expires_at, session };
    store::mail_token::put(tx.conn, &token)?;
    store::mail_token::forget_expired(tx.conn, now)?;
    tx.wrote();
    Ok((id, expires_at))
}

struct Letter<'a> {
    user: UserId,
    kind: Kind,
    to: &'a Email,
    token_id: Option<i64>,
    expires_at: Micros,
}

fn write(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    letter: &Letter<'_>,
    now: Micros,
) -> Result<(), StoreError> {
    let Letter { user, kind, to, token_id, expires_at } = *letter;
    let (id, recipient) = (engine.ids.next()?, to.as_str().to_owned());
    let mail =
        Mail { user, id, kind, recipient, token_id, tries: 0, due_at: now, expires_at, failed_at: None };
    store::mail::insert(tx.conn, &mail)?;
    engine.outbox.add();
    tx.wrote();
    Ok(())
}

/// A token that was used up.
#[derive(Debug)]
pub(super) struct Redeemed {
    /// Whose account it acts on.
    pub(super) user: User,
    /// Where it was mailed to.
    pub(super) email: Email,
    /// The session that asked, if one did.
    pub(super) session: Option<SessionId>,
}

/// Uses up a token: it opens what it is for once.
pub(super) fn redeem(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    presented: &Presented,
    now: Micros,
) -> Result<Option<Redeemed>, StoreError> {
    let held = store::mail_token::token(tx.conn, presented.user, presented.purpose)?;
    let Some(held) = held.filter(|held| presented.is(held, &engine.refresh_key, now)) else {
        return Ok(None);
    };
    let Some(user) = store::user::user(tx.conn, presented.user)?.filter(User::may_sign_in) else {
        return Ok(None);
    };
    store::mail_token::void(tx.conn, user.id, presented.purpose)?;
    tx.wrote();
    Ok(Some(Redeemed { user, email: Email::from_stored(held.address), session: held.session }))
}

/// Takes at most `room` mails that are due, one to an address and none to those that are `busy`, for whoever sends them:
/// nobody else gets them before [`LEASE`] is over.
pub(super) fn take(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    room: i64,
    busy: &[String],
    now: Micros,
) -> Result<Result<Outcome, Denial>, StoreError> {
    password_reset::open_requests(engine, tx, now)?;
    let mut outgoing: Vec<Outgoing> = Vec::new();
    for (user, id) in store::mail::due(tx.conn, now, busy, room)? {
        let taken = take_one(engine, tx, (user, id), &outgoing, now);
        match taken {
            Ok(taken) => outgoing.extend(taken),
            // One that nobody can read must not keep the others waiting.
            Err(StoreError::Unreadable(what)) => {
                log::error!("mail {id} about user {user} is set aside, it cannot be read: {what}");
                store::mail::park(tx.conn, user, id, now)?;
                tx.wrote();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Ok(Outcome::Mails(outgoing)))
}

/// Takes one mail, if it is to be sent and none to the same address is `taken` already.
fn take_one(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    (user, id): (UserId, i64),
    taken: &[Outgoing],
    now: Micros,
) -> Result<Option<Outgoing>, StoreError> {
    let Some(mut mail) = store::mail::mail(tx.conn, user, id)? else { return Ok(None) };
    if taken.iter().any(|taken| taken.mail.recipient == mail.recipient) {
        return Ok(None);
    }
    let person = store::user::user(tx.conn, user)?;
    tx.wrote();
    if mail.failed_at.is_some() {
        store::mail::remove(tx.conn, user, id)?;
        return Ok(None);
    }
    if mail.expires_at <= now {
        give_up(tx, mail, now)?;
        return Ok(None);
    }
    let token = match mail.token_id {
        Some(wanted) => token_of(engine, tx, &mail, wanted)?.map(Some),
        None => Some(None),
    };
    // Its token is void, or the account is gone: it would tell what is not so.
    let (Some(person), Some(token)) = (person, token) else {
        store::mail::remove(tx.conn, user, id)?;
        return Ok(None);
    };
    mail.tries += 1;
    mail.due_at = now.after(LEASE);
    store::mail::update(tx.conn, &mail)?;
    Ok(Some(Outgoing { mail, username: person.username.as_str().to_owned(), token }))
}

/// The token that a mail brings, if it is still the one.
fn token_of(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    mail: &Mail,
    wanted: i64,
) -> Result<Option<Secret>, StoreError> {
    let purpose = match mail.kind {
        Kind::Verification => Purpose::Verification,
        Kind::EmailChange => Purpose::EmailChange,
        Kind::PasswordReset => Purpose::PasswordReset,
        Kind::EmailChangeAsked
        | Kind::EmailChanged
        | Kind::AddressInUse
        | Kind::PasswordChanged
        | Kind::TwoFactorEnabled
        | Kind::TwoFactorEnded => return Ok(None),
    };
    let held = store::mail_token::token(tx.conn, mail.user, purpose)?;
    Ok(held.filter(|held| held.id == wanted).map(|held| held.mint(&engine.refresh_key)))
}

/// Writes what became of a try. Denied where the person is gone, and the mail with them.
pub(super) fn settle(
    tx: &mut Transaction<'_>,
    user: UserId,
    id: i64,
    delivered: Delivered,
    now: Micros,
) -> Result<Result<Outcome, Denial>, StoreError> {
    if let Some(mut mail) = store::mail::mail(tx.conn, user, id)? {
        tx.wrote();
        match delivered {
            Delivered::Sent => store::mail::remove(tx.conn, user, id)?,
            Delivered::Later(at) => {
                mail.due_at = at;
                store::mail::update(tx.conn, &mail)?;
            }
            Delivered::Never => give_up(tx, mail, now)?,
        }
    } else if store::user::user(tx.conn, user)?.is_none() {
        return Ok(Err(Denial::AccountGone));
    }
    Ok(Ok(Outcome::Accepted))
}

fn give_up(tx: &mut Transaction<'_>, mut mail: Mail, now: Micros) -> Result<(), StoreError> {
    log::error!("mail {} ({}) was given up after {} tries", mail.id, mail.kind.as_str(), mail.tries);
    mail.failed_at = Some(now);
    mail.due_at = now.after(FAILED_MAIL_KEPT);
    store::mail::update(tx.conn, &mail)
}
