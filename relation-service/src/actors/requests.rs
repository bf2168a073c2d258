//! Answering many requests to one person, in steps that leave room for other commands.

use shared::db::StoreError;
use shared::id::UserId;
use shared::writer::Transaction;

use super::change::{Act, Answer, RelationEngine};
use crate::domain::Action;
use crate::store;

/// Requests answered in one transaction at the most.
pub(super) const STEP: u32 = 200;

/// Accepts or rejects the oldest requests to `user`. With `only_if_public` it is a step of the sweep
/// that follows going public: it stops if the account is private again, and ends when none is left.
pub(super) fn answer(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    accept: bool,
    only_if_public: bool,
) -> Result<Answer, StoreError> {
    let public = |tx: &mut Transaction<'_>| {
        Ok::<_, StoreError>(
            store::fact::known_one(tx.conn, user)?.is_some_and(|facts| !facts.private_account),
        )
    };
    if only_if_public && !public(tx)? {
        return end_sweep(tx, user, 0);
    }
    let requesters = store::sweep::requesters(tx.conn, user, i64::from(STEP))?;
    let action = if accept { Action::Accept } else { Action::Reject };
    let acts: Vec<Act> =
        requesters.iter().map(|&target| Act { source: user, target, action, force: true }).collect();
    let answers = engine.act(tx, &acts)?;
    let count =
        answers.iter().filter(|answer| matches!(answer, Answer::Acted(acted) if acted.changed)).count();
    let count = u32::try_from(count).unwrap_or(STEP);
    if count == STEP {
        return Ok(Answer::Answered { count, more: true });
    }
    if only_if_public {
        return end_sweep(tx, user, count);
    }
    Ok(Answer::Answered { count, more: false })
}

fn end_sweep(tx: &mut Transaction<'_>, user: UserId, count: u32) -> Result<Answer, StoreError> {
    store::sweep::end(tx.conn, user)?;
    tx.wrote();
    Ok(Answer::Answered { count, more: false })
}
