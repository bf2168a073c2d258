//! The second factor, as it is asked for: each code is used up in the transaction of what it opens, so that of many
//! at once one succeeds.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::UserId;
use subtle::ConstantTimeEq;

use super::change::UserEngine;
use crate::domain::totp::{Matched, TotpSecret};
use crate::domain::two_factor::{Code, CodeRefusal, TwoFactor};
use crate::domain::{recovery_code, sealed};
use crate::store;
use crate::store::told::Transaction;

/// Lets somebody pass who has no second factor in force, or shows it with `code`, which is thereby used up.
pub(super) fn ask(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    code: Option<&Code>,
    now: Micros,
) -> Result<Result<(), CodeRefusal>, StoreError> {
    let held = store::two_factor::two_factor(tx.conn, user)?.filter(|held| held.enabled_at.is_some());
    let Some(held) = held else { return Ok(Ok(())) };
    let Some(code) = code else { return Ok(Err(CodeRefusal::Missing)) };
    if let Some(wait) = held.wait(now) {
        return Ok(Err(CodeRefusal::TooMany(wait)));
    }
    match code {
        Code::Totp(typed) => {
            let matched = secret(engine, &held)?.matched(typed.reveal(), now, held.last_step);
            Ok(one_time(tx, held, matched, now)?.map(drop))
        }
        Code::Recovery(typed) => {
            let digest = recovery_code::digest(&engine.refresh_key, user, typed);
            recovery(tx, held, &digest, now)
        }
        Code::Neither => wrong(tx, held, now),
    }
}

/// Lets a one-time code pass that is fresh. Returns what is held after it.
pub(super) fn one_time(
    tx: &mut Transaction<'_>,
    held: TwoFactor,
    matched: Matched,
    now: Micros,
) -> Result<Result<TwoFactor, CodeRefusal>, StoreError> {
    match matched {
        Matched::Fresh(step) => {
            let held = held.after_right_code(Some(step));
            store::two_factor::save(tx.conn, &held)?;
            tx.wrote();
            Ok(Ok(held))
        }
        // No guess: somebody pressed the button twice, or is told what they know already.
        Matched::Used => Ok(Err(CodeRefusal::Wrong)),
        Matched::Wrong => Ok(wrong(tx, held, now)?.and(Err(CodeRefusal::Wrong))),
    }
}

fn recovery(
    tx: &mut Transaction<'_>,
    held: TwoFactor,
    digest: &str,
    now: Micros,
) -> Result<Result<(), CodeRefusal>, StoreError> {
    let codes = store::two_factor::recovery_codes(tx.conn, held.user)?;
    // Each is compared, in the same time.
    let matching = codes.iter().filter(|code| bool::from(code.as_bytes().ct_eq(digest.as_bytes()))).count();
    if matching == 0 {
        return wrong(tx, held, now);
    }
    store::two_factor::use_recovery_code(tx.conn, held.user, digest)?;
    store::two_factor::save(tx.conn, &held.after_right_code(None))?;
    tx.wrote();
    Ok(Ok(()))
}

fn wrong(
    tx: &mut Transaction<'_>,
    held: TwoFactor,
    now: Micros,
) -> Result<Result<(), CodeRefusal>, StoreError> {
    store::two_factor::save(tx.conn, &held.after_wrong_code(now))?;
    tx.wrote();
    Ok(Err(CodeRefusal::Wrong))
}

/// What the one-time codes of a person are made from.
pub(super) fn secret(engine: &UserEngine, held: &TwoFactor) -> Result<TotpSecret, StoreError> {
    let opened = sealed::open(&engine.refresh_key, held.user, &held.sealed_secret);
    // As after the loss of the key: nobody can tell whether a code is right.
    opened.ok_or_else(|| StoreError::Unreadable(format!("the two-factor secret of user {}", held.user)))
}
