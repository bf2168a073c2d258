//! Changes of a person's record.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::UserId;

use super::change::{Outcome, emit_facts};
use crate::domain::account::User;
use crate::domain::change::Change;
use crate::domain::denial::Denial;
use crate::domain::privacy::PrivacyPatch;
use crate::domain::profile::ProfilePatch;
use crate::store;
use crate::store::told::Transaction;

pub(super) type Patched = Result<Result<Outcome, Denial>, StoreError>;

/// Changes a profile, if the record still has one of `versions`.
pub(super) fn patch(
    tx: &mut Transaction<'_>,
    user: UserId,
    versions: Option<&[i64]>,
    patch: &ProfilePatch,
    now: Micros,
) -> Patched {
    let Some(mut user) = own(tx, user)? else { return Ok(Err(Denial::AccountGone)) };
    if versions.is_some_and(|versions| !versions.contains(&user.version)) {
        return Ok(Err(Denial::PreconditionFailed));
    }
    if patch.clone().apply(&mut user) {
        changed(tx, &mut user, Change::Updated, now)?;
    }
    Ok(Ok(Outcome::Record(Box::new(user))))
}

/// Changes privacy settings.
pub(super) fn patch_privacy(
    tx: &mut Transaction<'_>,
    user: UserId,
    patch: PrivacyPatch,
    now: Micros,
) -> Patched {
    let Some(mut user) = own(tx, user)? else { return Ok(Err(Denial::AccountGone)) };
    if patch.apply(&mut user.privacy) {
        changed(tx, &mut user, Change::PrivacyChanged, now)?;
    }
    Ok(Ok(Outcome::Record(Box::new(user))))
}

/// The record of a person who is there.
pub(super) fn own(tx: &mut Transaction<'_>, user: UserId) -> Result<Option<User>, StoreError> {
    Ok(store::user::user(tx.conn, user)?.filter(User::is_visible))
}

/// Writes a changed record, and tells the world.
pub(super) fn changed(
    tx: &mut Transaction<'_>,
    user: &mut User,
    change: Change,
    now: Micros,
) -> Result<(), StoreError> {
    user.version += 1;
    user.updated_at = now;
    store::user::change(tx, user)?;
    emit_facts(tx, change, user, Some(user.id), now)
}
