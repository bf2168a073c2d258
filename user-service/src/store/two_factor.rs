//! Second factors and recovery codes as rows.

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, execute};
use shared::id::UserId;
use shared::on_backend;

use super::rows_of_binds;
use super::schema::{recovery_codes, two_factors};
use crate::domain::two_factor::TwoFactor;

#[derive(Queryable)]
struct TwoFactorRow {
    user_id: i64,
    sealed_secret: String,
    begun_at: i64,
    enabled_at: Option<i64>,
    last_step: i64,
    wrong_codes: i64,
    retry_at: i64,
}

impl From<TwoFactorRow> for TwoFactor {
    fn from(row: TwoFactorRow) -> Self {
        Self {
            user: UserId::new(row.user_id),
            sealed_secret: row.sealed_secret,
            begun_at: Micros::new(row.begun_at),
            enabled_at: row.enabled_at.map(Micros::new),
            last_step: row.last_step,
            wrong_codes: row.wrong_codes,
            retry_at: Micros::new(row.retry_at),
        }
    }
}

/// A person's second factor, also one that waits for its first code.
pub fn two_factor(conn: &mut Conn, user: UserId) -> Result<Option<TwoFactor>, StoreError> {
    let wanted = two_factors::table.find(user.get());
    let row: Option<TwoFactorRow> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    Ok(row.map(TwoFactor::from))
}

/// Writes a person's second factor, in place of what there was.
pub fn save(conn: &mut Conn, held: &TwoFactor) -> Result<(), StoreError> {
    let text = "INSERT INTO two_factors
            (user_id, sealed_secret, begun_at, enabled_at, last_step, wrong_codes, retry_at)
        VALUES (?,?,?,?,?,?,?) ON CONFLICT (user_id) DO UPDATE SET sealed_secret = excluded.sealed_secret,
        begun_at = excluded.begun_at, enabled_at = excluded.enabled_at, last_step = excluded.last_step,
        wrong_codes = excluded.wrong_codes, retry_at = excluded.retry_at";
    let binds = [
        held.user.get().into(),
        held.sealed_secret.as_str().into(),
        held.begun_at.get().into(),
        Value::MaybeInt(held.enabled_at.map(Micros::get)),
        held.last_step.into(),
        held.wrong_codes.into(),
        held.retry_at.get().into(),
    ];
    execute(conn, text, &binds)?;
    Ok(())
}

/// Removes a person's second factor and recovery codes.
pub fn remove(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::delete(two_factors::table.find(user.get())).execute(c))?;
    forget_recovery_codes(conn, user)
}

/// The digests of the recovery codes that a person has not used.
pub fn recovery_codes(conn: &mut Conn, user: UserId) -> Result<Vec<String>, StoreError> {
    let own = recovery_codes::user_id.eq(user.get());
    let wanted = recovery_codes::table.filter(own).select(recovery_codes::digest);
    Ok(on_backend!(conn, |c| wanted.load(c))?)
}

/// Gives a person these recovery codes, of which there is at least one, in place of those that they had.
pub fn replace_recovery_codes(conn: &mut Conn, user: UserId, digests: &[String]) -> Result<(), StoreError> {
    forget_recovery_codes(conn, user)?;
    let rows = rows_of_binds(digests.len(), 2);
    let text = format!("INSERT INTO recovery_codes (user_id, digest) VALUES {rows}");
    let binds: Vec<Value<'_>> =
        digests.iter().flat_map(|digest| [user.get().into(), digest.as_str().into()]).collect();
    execute(conn, &text, &binds)?;
    Ok(())
}

/// Removes one recovery code, which was used.
pub fn use_recovery_code(conn: &mut Conn, user: UserId, digest: &str) -> Result<(), StoreError> {
    let used = recovery_codes::table.find((user.get(), digest));
    on_backend!(conn, |c| diesel::delete(used).execute(c))?;
    Ok(())
}

fn forget_recovery_codes(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    let own = recovery_codes::table.filter(recovery_codes::user_id.eq(user.get()));
    on_backend!(conn, |c| diesel::delete(own).execute(c))?;
    Ok(())
}
