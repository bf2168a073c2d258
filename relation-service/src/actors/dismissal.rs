//! Dismissed suggestions: beside the rules of pairs, since no rule rests on them.

use shared::db::StoreError;
use shared::id::UserId;

use super::change::Answer;
use crate::domain::{Limits, check_not_self};
use crate::store;
use crate::store::graph::Transaction;

/// Keeps that `user` does not want `target` to be suggested, whoever that is. No event tells of it: it is nobody
/// else's.
pub(super) fn keep(
    limits: &Limits,
    tx: &mut Transaction<'_>,
    user: UserId,
    target: UserId,
) -> Result<Answer, StoreError> {
    if let Err(refusal) = check_not_self(user, target) {
        return Ok(Answer::Refused(refusal));
    }
    if store::fact::known(tx.conn, &[target])?.is_empty() {
        return Ok(Answer::UnknownTarget);
    }
    let now = tx.tick();
    store::dismissal::put(
        tx.conn,
        user,
        target,
        now,
        now.before(limits.dismissal_span),
        limits.dismissals_max,
    )?;
    tx.wrote();
    Ok(Answer::Noted)
}
