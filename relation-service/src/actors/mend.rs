//! Making derived rows anew, some of them in each step.

use shared::db::StoreError;
use shared::writer::Transaction;

use super::change::{Answer, RelationEngine};
use crate::store;
use crate::store::audit::{Mend, Slice};

/// Mends what breaks one check among some people. No event tells of it: the edges stay what they are.
pub(super) fn step(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    what: Mend,
    slice: Slice,
) -> Result<Answer, StoreError> {
    let mended = store::audit::mend(tx.conn, what, slice, i64::from(engine.step))?;
    if !mended.is_empty() {
        tx.wrote();
    }
    Ok(Answer::Mended(mended))
}
