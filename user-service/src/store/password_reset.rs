//! Addresses for which somebody asked for a new password, as rows.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, execute, query};
use shared::on_backend;

use super::schema::password_reset_requests;

/// Writes a request. One that waits already for the same address is this one, too.
pub fn ask(conn: &mut Conn, email_key: &str, now: Micros) -> Result<(), StoreError> {
    let text = "INSERT INTO password_reset_requests (email_key, asked_at) VALUES (?,?)
        ON CONFLICT (email_key) DO UPDATE SET asked_at = excluded.asked_at";
    execute(conn, text, &[email_key.into(), now.get().into()])?;
    Ok(())
}

/// How many requests wait; counts no further than `limit`.
pub fn waiting(conn: &mut Conn, limit: usize) -> Result<usize, StoreError> {
    let text = "SELECT COUNT(*) FROM (SELECT 1 FROM password_reset_requests LIMIT ?) AS waiting";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let counts: Vec<i64> = query::<BigInt, _>(conn, text, &[limit.into()])?;
    Ok(counts.first().and_then(|count| usize::try_from(*count).ok()).unwrap_or(0))
}

/// Removes at most `limit` requests and returns their addresses.
pub fn take(conn: &mut Conn, limit: i64) -> Result<Vec<String>, StoreError> {
    let some = password_reset_requests::table.limit(limit).select(password_reset_requests::email_key);
    let keys: Vec<String> = on_backend!(conn, |c| some.load(c))?;
    if !keys.is_empty() {
        let taken = password_reset_requests::table.filter(password_reset_requests::email_key.eq_any(&keys));
        on_backend!(conn, |c| diesel::delete(taken).execute(c))?;
    }
    Ok(keys)
}
