//! Requests that may be repeated, inside the transaction of what they make: of many at once, one makes it.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::SessionId;

use super::change::UserEngine;
use crate::domain::denial::Denial;
use crate::domain::idempotency::KeyedRequest;
use crate::domain::session::SessionState;
use crate::store;
use crate::store::idempotency::{Begun, Made};
use crate::store::session::Session;
use crate::store::told::Transaction;

/// What the request made when it came before; nothing if it is new or has no name. The same name with another body
/// is denied.
pub(super) fn made(
    tx: &mut Transaction<'_>,
    request: Option<&KeyedRequest>,
    now: Micros,
) -> Result<Result<Option<Made>, Denial>, StoreError> {
    let Some(request) = request else { return Ok(Ok(None)) };
    Ok(match store::idempotency::answered(tx.conn, &request.slot, now)? {
        Some(answered) if answered.body_digest != request.body_digest => Err(Denial::IdempotencyKeyReused),
        answered => Ok(answered.map(|answered| answered.made)),
    })
}

/// Remembers what a request made, if it has a name.
pub(super) fn remember(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    request: Option<&KeyedRequest>,
    made: Made,
    now: Micros,
) -> Result<(), StoreError> {
    let Some(request) = request else { return Ok(()) };
    let until = now.after(engine.rules.idempotency_life);
    store::idempotency::remember(tx.conn, request, made, until)?;
    store::idempotency::forget_expired(tx.conn, now)?;
    Ok(())
}

/// A session as what a request made.
pub(super) fn of_session(session: &Session) -> Made {
    let SessionState { id, user_id, created_at, .. } = session.state;
    Made { user: user_id, id: id.get(), begun: Some(Begun { nonce: session.nonce, at: created_at }) }
}

/// The session that a request made, as it was when it began, whatever became of it since: its first tokens can be
/// answered again.
pub(super) fn session_made(engine: &UserEngine, made: Made) -> Option<Session> {
    let Begun { nonce, at } = made.begun?;
    let state = SessionState::open(SessionId::new(made.id), made.user, at, engine.rules.session);
    Some(Session { state, nonce, device_name: String::new() })
}
