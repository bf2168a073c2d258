//! What moderators, admins and operators do to accounts, each act with its entry in the audit log.

use serde_json::{Value, json};
use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::{SessionId, UserId};

use super::change::{Answer, Outcome, UserEngine, emit_facts};
use super::login::end_by;
use crate::domain::account::{Role, Status, User};
use crate::domain::audit_log::{Action, Doer, Entry, EntryId};
use crate::domain::change::Change;
use crate::domain::denial::Denial;
use crate::domain::moderation::{Authority, Measure, Sentence, Suspension, permit};
use crate::domain::roster::Class;
use crate::store;
use crate::store::told::Transaction;

/// Something to do to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moderate {
    /// On whose authority.
    pub by: Doer,
    /// Whose account.
    pub subject: UserId,
    /// What.
    pub measure: Measure,
    /// Why, if that was said; a suspension says it itself.
    pub reason: Option<String>,
}

/// What an act left to be told.
struct Done {
    action: Action,
    reason: Option<String>,
    before: Value,
    after: Value,
    ended: Vec<SessionId>,
}

/// Does what was asked for, if whoever asks may. Asked for again, it changes nothing.
pub(super) fn moderate(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    moderate: &Moderate,
    now: Micros,
) -> Result<Answer, StoreError> {
    let Moderate { by, subject, measure, reason } = moderate;
    let actor = match by.person() {
        Some(actor) => store::user::user(tx.conn, actor)?,
        None => None,
    };
    let authority = match (by, &actor) {
        (Doer::Operator, _) => Authority::Operator,
        (_, Some(actor)) if actor.is_visible() => Authority::Person(actor),
        _ => return Ok(Err(Denial::AccountGone).into()),
    };
    let found = store::user::user(tx.conn, *subject)?;
    let Some(mut user) = found.filter(|user| user.status != Status::Deleted) else {
        return Ok(Err(Denial::UserNotFound).into());
    };
    if let Err(denial) = permit(authority, &user, measure, has_other_admin(tx, &user)?) {
        return Ok(Err(denial).into());
    }
    let done = match measure {
        Measure::Suspend(sentence) => suspend(tx, &mut user, sentence, *by, now)?,
        Measure::Unsuspend => unsuspend(tx, &mut user, *by, now)?.map(|done| with_reason(done, reason)),
        Measure::Verify(verified) => {
            verify(tx, &mut user, *verified, *by, now)?.map(|done| with_reason(done, reason))
        }
        Measure::SetRole(role) => {
            set_role(tx, &mut user, *role, *by, now)?.map(|done| with_reason(done, reason))
        }
    };
    let ended = match done {
        Some(done) => write_down(engine, tx, done, *by, *subject, now)?,
        None => Vec::new(),
    };
    Ok(Answer { outcome: Ok(Outcome::Record(Box::new(user))), ended })
}

/// Whether there is an active admin beside this person.
pub(super) fn has_other_admin(tx: &mut Transaction<'_>, user: &User) -> Result<bool, StoreError> {
    for verified in [false, true] {
        let admins = Class { status: Status::Active, role: Role::Admin, verified };
        if store::roster::has_other(tx.conn, admins, user.id)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn with_reason(done: Done, reason: &Option<String>) -> Done {
    Done { reason: reason.clone(), ..done }
}

fn suspend(
    tx: &mut Transaction<'_>,
    user: &mut User,
    sentence: &Sentence,
    by: Doer,
    now: Micros,
) -> Result<Option<Done>, StoreError> {
    let held = store::suspension::of(tx.conn, &[user.id])?.remove(&user.id);
    if held.as_ref().is_some_and(|held| held.sentence == *sentence) {
        return Ok(None);
    }
    let before = state(user, held.as_ref());
    let fresh =
        Suspension { sentence: sentence.clone(), since: now, by: by.person(), status_before: user.status };
    let suspension = match held {
        Some(held) => Suspension { since: held.since, status_before: held.status_before, ..fresh },
        None => fresh,
    };
    store::suspension::put(tx.conn, user.id, &suspension)?;
    tx.wrote();
    let mut ended = Vec::new();
    if user.status != Status::Suspended {
        user.status = Status::Suspended;
        changed_by(tx, user, Change::Suspended, by, now)?;
        let live = store::session::live(tx.conn, user.id, now)?;
        ended.extend(live.iter().map(|session| session.state.id));
        end_by(tx, user.id, &ended, by.person(), now)?;
    }
    let after = state(user, Some(&suspension));
    let reason = Some(sentence.reason.clone());
    Ok(Some(Done { action: Action::Suspend, reason, before, after, ended }))
}

/// Opens an account again, as it was.
fn unsuspend(
    tx: &mut Transaction<'_>,
    user: &mut User,
    by: Doer,
    now: Micros,
) -> Result<Option<Done>, StoreError> {
    if user.status != Status::Suspended {
        return Ok(None);
    }
    let held = store::suspension::of(tx.conn, &[user.id])?.remove(&user.id);
    let before = state(user, held.as_ref());
    user.status = held.map_or(Status::Active, |held| held.status_before);
    store::suspension::remove(tx.conn, user.id)?;
    changed_by(tx, user, Change::Unsuspended, by, now)?;
    Ok(Some(Done {
        action: Action::Unsuspend,
        reason: None,
        before,
        after: state(user, None),
        ended: Vec::new(),
    }))
}

fn verify(
    tx: &mut Transaction<'_>,
    user: &mut User,
    verified: bool,
    by: Doer,
    now: Micros,
) -> Result<Option<Done>, StoreError> {
    if user.verified == verified {
        return Ok(None);
    }
    user.verified = verified;
    changed_by(tx, user, Change::Updated, by, now)?;
    Ok(Some(Done {
        action: if verified { Action::Verify } else { Action::Unverify },
        reason: None,
        before: json!({"verified": !verified}),
        after: json!({"verified": verified}),
        ended: Vec::new(),
    }))
}

fn set_role(
    tx: &mut Transaction<'_>,
    user: &mut User,
    role: Role,
    by: Doer,
    now: Micros,
) -> Result<Option<Done>, StoreError> {
    if user.role == role {
        return Ok(None);
    }
    let before = json!({"role": user.role});
    user.role = role;
    changed_by(tx, user, Change::Updated, by, now)?;
    let after = json!({"role": role});
    Ok(Some(Done { action: Action::SetRole, reason: None, before, after, ended: Vec::new() }))
}

/// Opens the account again if its suspension is over.
pub(super) fn unsuspend_if_over(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    user: &mut User,
    now: Micros,
) -> Result<(), StoreError> {
    if user.status != Status::Suspended {
        return Ok(());
    }
    let held = store::suspension::of(tx.conn, &[user.id])?.remove(&user.id);
    if held.is_some_and(|held| held.is_over(now))
        && let Some(done) = unsuspend(tx, user, Doer::Time, now)?
    {
        write_down(engine, tx, done, Doer::Time, user.id, now)?;
    }
    Ok(())
}

/// Opens at most `limit` accounts whose suspension is over.
pub(super) fn unsuspend_due(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    now: Micros,
    limit: i64,
) -> Result<(), StoreError> {
    for user in store::suspension::over(tx.conn, now, limit)? {
        match store::user::user(tx.conn, user)? {
            Some(mut user) if user.status == Status::Suspended => {
                let at = tx.tick();
                unsuspend_if_over(engine, tx, &mut user, at)?;
            }
            // Gone in another way: nothing is left to end.
            Some(_) | None => {
                store::suspension::remove(tx.conn, user)?;
                tx.wrote();
            }
        }
    }
    Ok(())
}

/// What a suspension changes, for the audit log.
fn state(user: &User, suspension: Option<&Suspension>) -> Value {
    match suspension {
        Some(suspension) if user.status == Status::Suspended => {
            let Sentence { reason, until } = &suspension.sentence;
            json!({"status": user.status, "reason": reason, "until": until})
        }
        Some(_) | None => json!({"status": user.status}),
    }
}

/// Writes the entry of an act, and returns the sessions that it ended.
fn write_down(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    done: Done,
    by: Doer,
    subject: UserId,
    at: Micros,
) -> Result<Vec<SessionId>, StoreError> {
    let Done { action, reason, before, after, ended } = done;
    let id = engine.ids.next_as(EntryId::new)?;
    let entry = Entry { id, at, by, action, subject: Some(subject), reason, before, after };
    store::audit_log::insert(tx.conn, &entry)?;
    Ok(ended)
}

/// Writes a record that somebody else than its owner has changed, and tells the world.
fn changed_by(
    tx: &mut Transaction<'_>,
    user: &mut User,
    change: Change,
    by: Doer,
    now: Micros,
) -> Result<(), StoreError> {
    user.version += 1;
    user.updated_at = now;
    store::user::change(tx, user)?;
    emit_facts(tx, change, user, by.person(), now)
}
