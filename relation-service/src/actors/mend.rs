//! Making derived rows anew, some of them in each step.

use shared::db::StoreError;

use super::change::{Answer, RelationEngine};
use crate::store;
use crate::store::audit::{Mend, Slice};
use crate::store::graph::Transaction;

/// Mends what breaks one check among some people. No event tells of it: the edges stay what they are.
pub(super) fn step(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    what: Mend,
    slice: Slice,
) -> Result<Answer, StoreError> {
    Ok(Answer::Mended(store::audit::mend(tx, what, slice, i64::from(engine.step))?))
}
