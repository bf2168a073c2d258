//! Becoming a member: names, looks and addresses are looked up for all newcomers at once.

use serde_json::{Value, json};
use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::UserId;
use shared::secret::Secret;

use super::change::{Opened, Outcome, UserEngine, emit_facts};
use super::email::welcome;
use super::names::{Claimed, Claims};
use super::{idempotency, login};
use crate::domain::account::{Role, Status, User};
use crate::domain::audit_log::{Action, Doer, Entry, EntryId};
use crate::domain::change::Change;
use crate::domain::denial::Denial;
use crate::domain::email::Email;
use crate::domain::idempotency::KeyedRequest;
use crate::domain::privacy::Privacy;
use crate::domain::refresh_token::SessionNonce;
use crate::domain::username::Username;
use crate::store;
use crate::store::claim::NewClaim;
use crate::store::session::Session;
use crate::store::told::Transaction;

/// Somebody who registers, with everything but the ids.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The name asked for.
    pub username: Username,
    /// The address, not verified.
    pub email: Email,
    /// A PHC string.
    pub password_hash: Secret,
    /// Empty if none was given.
    pub display_name: String,
    /// Random: for the first session.
    pub nonce: SessionNonce,
    /// What the caller named the request, if anything.
    pub request: Option<KeyedRequest>,
    /// From where the request came.
    pub network: String,
}

/// Somebody of another system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedUser {
    /// The name asked for.
    pub username: Username,
    /// Empty if none is known.
    pub display_name: String,
}

/// What became of somebody of another system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// Is a member now.
    New(UserId),
    /// The name is a member's already, as when the same people are imported again.
    Known(UserId),
    /// The name looks like another member's, or is kept for its former owner.
    Taken,
}

/// Makes one account and its first session.
pub(super) fn register(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    account: &NewAccount,
    now: Micros,
) -> Result<Result<Outcome, Denial>, StoreError> {
    let made = match idempotency::made(tx, account.request.as_ref(), now)? {
        Ok(made) => made,
        Err(denial) => return Ok(Err(denial)),
    };
    if let Some(session) = made.and_then(|made| idempotency::session_made(engine, made)) {
        return Ok(Ok(Outcome::Opened(Box::new(as_answered(account, session)))));
    }
    // Before anything is looked up.
    if engine.outbox.is_full() {
        return Ok(Err(Denial::Overloaded));
    }
    let user = member(account, engine.ids.next_as(UserId::new)?, now);
    if let Err(denial) = admit(tx, &user, &account.password_hash, Some(user.id))? {
        return Ok(Err(denial));
    }
    welcome(engine, tx, &user, now)?;
    let session = login::new_session(engine, tx, user.id, String::new(), account.nonce, now)?;
    login::note_network(engine, tx, user.id, &account.network, now)?;
    idempotency::remember(engine, tx, account.request.as_ref(), idempotency::of_session(&session), now)?;
    Ok(Ok(Outcome::Opened(Box::new(Opened { user, session, reopened: false }))))
}

/// Makes one account that nobody is signed in to, on the operator's word: also for the address.
pub(super) fn create_by_operator(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    account: &NewAccount,
    role: Role,
    now: Micros,
) -> Result<Result<Outcome, Denial>, StoreError> {
    let user = member(account, engine.ids.next_as(UserId::new)?, now);
    let user = User { role, email_verified: true, ..user };
    if let Err(denial) = admit(tx, &user, &account.password_hash, None)? {
        return Ok(Err(denial));
    }
    store::audit_log::insert(
        tx.conn,
        &Entry {
            id: engine.ids.next_as(EntryId::new)?,
            at: now,
            by: Doer::Operator,
            action: Action::CreateUser,
            subject: Some(user.id),
            reason: None,
            before: Value::Null,
            after: json!({"username": user.username, "role": role}),
        },
    )?;
    Ok(Ok(Outcome::Record(Box::new(user))))
}

/// Writes somebody new, if the name and the address are free.
fn admit(
    tx: &mut Transaction<'_>,
    user: &User,
    password_hash: &Secret,
    actor: Option<UserId>,
) -> Result<Result<(), Denial>, StoreError> {
    let at = user.created_at;
    let claims = Claims::load(tx.conn, &[&user.username], at)?;
    if claims.of(&user.username) != Claimed::Free {
        return Ok(Err(Denial::UsernameTaken));
    }
    let key = user.email.as_ref().map(Email::key).unwrap_or_default();
    if !store::claim::addresses(tx.conn, &[&key])?.is_empty() {
        return Ok(Err(Denial::EmailTaken));
    }
    claims.release(tx)?;
    store::user::insert(tx.conn, &[(user, Some(password_hash.reveal()))])?;
    store::claim::insert(tx.conn, &[claim_of(user)])?;
    emit_facts(tx, Change::Registered, user, actor, at)?;
    Ok(Ok(()))
}

/// Somebody as they were on registering, at `at`.
fn member(account: &NewAccount, id: UserId, at: Micros) -> User {
    User {
        display_name: account.display_name.clone(),
        email: Some(account.email.clone()),
        ..newcomer(id, account.username.clone(), at)
    }
}

/// What was answered when the account and its first session were made, whatever became of them since.
fn as_answered(account: &NewAccount, session: Session) -> Opened {
    let user = member(account, session.state.user_id, session.state.created_at);
    Opened { user, session, reopened: false }
}

/// Makes many accounts without a password or an address.
pub(super) fn import(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    imported: &[ImportedUser],
) -> Result<Result<Outcome, Denial>, StoreError> {
    let names: Vec<&Username> = imported.iter().map(|user| &user.username).collect();
    let mut claims = Claims::load(tx.conn, &names, tx.now)?;
    claims.release(tx)?;
    let owned = store::user::with_password(tx.conn, &claims.holders())?;
    let mut people = Vec::with_capacity(imported.len());
    let mut outcome = Vec::with_capacity(imported.len());
    for one in imported {
        let now = tx.tick();
        outcome.push(match claims.of(&one.username) {
            // A name that somebody signs in with is theirs, not the other system's.
            Claimed::InUse(user) if owned.contains(&user) => Imported::Taken,
            Claimed::InUse(user) => Imported::Known(user),
            Claimed::Kept(_) | Claimed::Alike(_) => Imported::Taken,
            Claimed::Free => {
                let user = newcomer(engine.ids.next_as(UserId::new)?, one.username.clone(), now);
                let user = User { display_name: one.display_name.clone(), ..user };
                let id = user.id;
                claims.add(&one.username, id);
                people.push(user);
                Imported::New(id)
            }
        });
    }
    let rows: Vec<(&User, Option<&str>)> = people.iter().map(|user| (user, None)).collect();
    store::user::insert(tx.conn, &rows)?;
    store::claim::insert(tx.conn, &people.iter().map(claim_of).collect::<Vec<_>>())?;
    for user in &people {
        emit_facts(tx, Change::Registered, user, Some(user.id), user.created_at)?;
    }
    Ok(Ok(Outcome::Imported(outcome)))
}

fn newcomer(id: UserId, username: Username, now: Micros) -> User {
    User {
        id,
        username,
        display_name: String::new(),
        bio: String::new(),
        avatar_url: None,
        links: Vec::new(),
        region: None,
        language: None,
        email: None,
        email_verified: false,
        privacy: Privacy::default(),
        role: Role::User,
        status: Status::Active,
        verified: false,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

fn claim_of(user: &User) -> NewClaim {
    NewClaim {
        user: user.id,
        name: user.username.as_str().to_owned(),
        look: user.username.skeleton(),
        address: user.email.as_ref().map(Email::key),
    }
}
