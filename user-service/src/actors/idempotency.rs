//! Requests that may be repeated, inside the transaction of what they make: of many at once, one makes it.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::UserId;
use shared::writer::Transaction;

use super::change::UserEngine;
use crate::domain::denial::Denial;
use crate::domain::idempotency::KeyedRequest;
use crate::store;
use crate::store::idempotency::Made;

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
    user: UserId,
    id: i64,
    now: Micros,
) -> Result<(), StoreError> {
    let Some(request) = request else { return Ok(()) };
    let until = now.after(engine.rules.idempotency_life);
    store::idempotency::remember(tx.conn, request, Made { user, id }, until)?;
    store::idempotency::forget_expired(tx.conn, now)?;
    Ok(())
}
