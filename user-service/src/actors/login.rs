//! Sessions: opened, used, ended.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::event::NewEvent;
use shared::id::{SessionId, UserId};
use shared::token::ACCESS_TOKEN_LIFE;

use super::account::is_held;
use super::change::{Answer, NewSession, Opened, Outcome, UserEngine};
use super::moderation::unsuspend_if_over;
use super::profile::changed;
use super::{idempotency, second_factor};
use crate::domain::account::Status;
use crate::domain::change::Change;
use crate::domain::denial::Denial;
use crate::domain::known_network;
use crate::domain::refresh_token::{Presented, SessionNonce};
use crate::domain::session::{RefreshDecision, SessionState, decide_refresh};
use crate::store;
use crate::store::session::Session;
use crate::store::told::Transaction;

/// Opens a session for somebody whose password was verified, and ends their oldest beyond the limit. An account
/// that its owner had closed is open again, as it was.
pub(super) fn open(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    new: &NewSession,
    now: Micros,
) -> Result<Answer, StoreError> {
    let Some(mut user) = store::user::user(tx.conn, new.user)? else {
        return Ok(Err(Denial::InvalidCredentials).into());
    };
    let was_suspended = user.status == Status::Suspended;
    unsuspend_if_over(engine, tx, &mut user, now)?;
    if !user.may_sign_in() {
        return Ok(Err(Denial::InvalidCredentials).into());
    }
    if !is_held(tx, user.id, &new.password_hash)? {
        return Ok(Ok(Outcome::PasswordReplaced).into());
    }
    // Too late to come back, even if the purge has not come to it yet.
    if store::deletion::purge_at(tx.conn, user.id)?.is_some_and(|purge_at| purge_at <= now) {
        return Ok(Err(Denial::InvalidCredentials).into());
    }
    match opened_before(engine, tx, new, now)? {
        Ok(None) => {}
        Ok(Some(session)) => {
            return Ok(
                Ok(Outcome::Opened(Box::new(Opened { user, session, reopened: was_suspended }))).into()
            );
        }
        Err(denial) => return Ok(Err(denial).into()),
    }
    if let Err(refusal) = second_factor::ask(engine, tx, user.id, new.code.as_ref(), now)? {
        return Ok(Err(Denial::of_code_at_login(refusal)).into());
    }
    if let Some(better) = &new.better_hash {
        store::user::set_password_hash(tx.conn, user.id, better.reveal())?;
    }
    let was_deactivated = user.status == Status::Deactivated;
    if was_deactivated {
        store::deletion::cancel(tx.conn, user.id)?;
        user.status = Status::Active;
        changed(tx, &mut user, Change::Reactivated, now)?;
    }
    store::session::forget_ended(tx.conn, user.id, tokens_expired_at(now))?;
    let live = store::session::live(tx.conn, user.id, now)?;
    let excess = live.iter().skip(engine.rules.sessions_max.saturating_sub(1));
    let ended: Vec<SessionId> = excess.map(|session| session.state.id).collect();
    end(tx, user.id, &ended, now)?;
    let session = new_session(engine, tx, user.id, new.device_name.clone(), new.nonce, now)?;
    idempotency::remember(engine, tx, new.request.as_ref(), idempotency::of_session(&session), now)?;
    note_network(engine, tx, user.id, &new.network, now)?;
    let reopened = was_suspended || was_deactivated;
    Ok(Answer { outcome: Ok(Outcome::Opened(Box::new(Opened { user, session, reopened }))), ended })
}

/// The session that the same request opened when it came before.
fn opened_before(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    new: &NewSession,
    now: Micros,
) -> Result<Result<Option<Session>, Denial>, StoreError> {
    let made = idempotency::made(tx, new.request.as_ref(), now)?;
    Ok(made.map(|made| {
        made.filter(|made| made.user == new.user).and_then(|made| idempotency::session_made(engine, made))
    }))
}

/// Writes a session that begins now.
pub(super) fn new_session(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    device_name: String,
    nonce: SessionNonce,
    now: Micros,
) -> Result<Session, StoreError> {
    let id = engine.ids.next_as(SessionId::new)?;
    let state = SessionState::open(id, user, now, engine.rules.session);
    let session = Session { state, nonce, device_name };
    store::session::insert(tx.conn, &session)?;
    store::user::set_last_sign_in(tx.conn, user, now)?;
    tx.wrote();
    Ok(session)
}

/// Remembers from where somebody came who has proved who they are.
pub(super) fn note_network(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    network: &str,
    now: Micros,
) -> Result<(), StoreError> {
    let digest = known_network::digest(&engine.refresh_key, user, network);
    let seen_at = store::known_network::seen_at(tx.conn, user, &digest)?;
    if known_network::is_worth_noting(seen_at, now) {
        store::known_network::note(tx.conn, user, &digest, now, engine.rules.networks.max)?;
        tx.wrote();
    }
    Ok(())
}

/// Decides about a refresh token. Reuse ends the session: the thief and the owner both sign in again.
pub(super) fn refresh(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    presented: &Presented,
    network: &str,
    now: Micros,
) -> Result<Answer, StoreError> {
    let denied = || Answer::from(Err(Denial::InvalidRefreshToken));
    let found = store::session::session(tx.conn, presented.user_id, presented.session_id)?;
    let Some(session) = found.filter(|session| presented.verify(&engine.refresh_key, &session.nonce)) else {
        return Ok(denied());
    };
    match decide_refresh(&session.state, presented.generation, now, engine.rules.session.grace) {
        RefreshDecision::Rotate { .. } => {
            let state = session.state.rotated(now, engine.rules.session);
            store::session::rotate(tx.conn, &state)?;
            tx.wrote();
            note_network(engine, tx, state.user_id, network, now)?;
            Ok(Ok(Outcome::Refreshed(Session { state, ..session })).into())
        }
        RefreshDecision::Replay { .. } => Ok(Ok(Outcome::Refreshed(session)).into()),
        RefreshDecision::Reuse => {
            let ended = vec![session.state.id];
            end(tx, session.state.user_id, &ended, now)?;
            Ok(Answer { ended, ..denied() })
        }
        RefreshDecision::Expired | RefreshDecision::Revoked => Ok(denied()),
    }
}

/// Ends one session of a person.
pub(super) fn revoke(
    tx: &mut Transaction<'_>,
    user: UserId,
    session: SessionId,
    now: Micros,
) -> Result<Answer, StoreError> {
    let found = store::session::session(tx.conn, user, session)?;
    if !found.as_ref().is_some_and(|session| session.state.is_live(now)) {
        // Ended before, perhaps by a try whose answer got lost: its tokens are to be refused here too.
        let ended = found.map(|session| session.state.id).into_iter().collect();
        return Ok(Answer { outcome: Err(Denial::SessionNotFound), ended });
    }
    end(tx, user, &[session], now)?;
    Ok(Answer { outcome: Ok(Outcome::Ended), ended: vec![session] })
}

/// Ends all sessions of a person but one.
pub(super) fn revoke_others(
    tx: &mut Transaction<'_>,
    user: UserId,
    keep: SessionId,
    now: Micros,
) -> Result<Answer, StoreError> {
    let live = store::session::live(tx.conn, user, now)?;
    let ended: Vec<SessionId> =
        live.iter().map(|session| session.state.id).filter(|session| *session != keep).collect();
    end(tx, user, &ended, now)?;
    Ok(Answer { outcome: Ok(Outcome::Ended), ended })
}

/// Ends these sessions of a person by their own act, and tells the world.
pub(super) fn end(
    tx: &mut Transaction<'_>,
    user: UserId,
    sessions: &[SessionId],
    now: Micros,
) -> Result<(), StoreError> {
    end_by(tx, user, sessions, Some(user), now)
}

/// As [`end`], by the act of somebody else, or of nobody.
pub(super) fn end_by(
    tx: &mut Transaction<'_>,
    user: UserId,
    sessions: &[SessionId],
    actor: Option<UserId>,
    now: Micros,
) -> Result<(), StoreError> {
    for session in sessions {
        store::session::end(tx, user, *session, now)?;
        tx.emit(NewEvent {
            kind: Change::SessionRevoked.as_str(),
            at: now,
            actor,
            subject: Some(user),
            cause: None,
            data: format!(r#"{{"session_id":"{session}"}}"#),
        });
    }
    Ok(())
}

/// Access tokens of sessions that ended before this moment have expired by `now`.
pub fn tokens_expired_at(now: Micros) -> Micros {
    let life = i64::try_from(ACCESS_TOKEN_LIFE.as_micros()).unwrap_or(i64::MAX);
    Micros::new(now.get().saturating_sub(life))
}
