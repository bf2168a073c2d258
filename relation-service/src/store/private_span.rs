//! Since when accounts are private: what the audit measures follows by.

use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, execute};
use shared::id::UserId;

/// Notes that an account is private from now on; it stays what it was if it is already.
pub fn begin(conn: &mut Conn, user: UserId, now: Micros) -> Result<(), StoreError> {
    let text = "INSERT INTO private_spans (user_id, since) VALUES (?, ?) ON CONFLICT (user_id) DO NOTHING";
    execute(conn, text, &[Value::Int(user.get()), Value::Int(now.get())]).map(drop)
}

/// Notes that an account is public.
pub fn end(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM private_spans WHERE user_id = ?", &[Value::Int(user.get())]).map(drop)
}
