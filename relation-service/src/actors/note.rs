//! Private notes: beside the rules of pairs, since no rule rests on them.

use shared::db::StoreError;
use shared::id::UserId;

use super::change::{Acted, Answer};
use crate::domain::{Limits, Note, Outcome, Refusal, Relationship, check_not_self};
use crate::store;
use crate::store::graph::Transaction;

/// Keeps, replaces or clears the note. No event tells of it: it is nobody else's.
pub(super) fn keep(
    limits: &Limits,
    tx: &mut Transaction<'_>,
    source: UserId,
    target: UserId,
    note: &Note,
) -> Result<Answer, StoreError> {
    if let Err(refusal) = check_not_self(source, target) {
        return Ok(Answer::Refused(refusal));
    }
    let Some(known) = store::fact::known(tx.conn, &[target])?.remove(&target) else {
        return Ok(Answer::UnknownTarget);
    };
    if let Err(refusal) = note.check(known.facts.access().into()) {
        return Ok(Answer::Refused(refusal));
    }
    let key = (source, target);
    let before = store::note::notes(tx.conn, &[key])?.remove(&key).unwrap_or_default();
    let changed = before != note.as_str();
    let is_new = before.is_empty() && changed;
    if is_new && store::note::held(tx.conn, source)? >= limits.notes_max {
        return Ok(Answer::Refused(Refusal::NoteLimitReached));
    }
    if changed {
        store::note::put(tx, key, note.as_str())?;
        tx.wrote();
    }
    let pair = store::pair::whole_pairs(tx.conn, &[key])?.remove(&key).unwrap_or_default();
    let relationship = Relationship::from_pair(pair, tx.now).with_note(note.as_str().to_owned());
    Ok(Answer::Acted(Acted { relationship, changed, outcome: Outcome::Unchanged, quota: None }))
}
