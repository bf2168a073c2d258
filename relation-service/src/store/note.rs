//! Private notes.

use std::collections::HashMap;

use diesel::sql_types::{BigInt, Text};
use shared::db::{Conn, StoreError, Value, chunks, execute, query};
use shared::id::UserId;

use super::graph::{Told, Transaction};
use super::pair::{Key, key_binds};
use super::rows_of_binds;

/// The notes of each key's first person about its second. Who is not in the map has noted nothing.
pub fn notes(conn: &mut Conn, keys: &[Key]) -> Result<HashMap<Key, String>, StoreError> {
    let mut found = HashMap::new();
    for piece in chunks(keys) {
        let text = format!(
            "SELECT user_id, target, note FROM notes WHERE (user_id, target) IN (VALUES {})",
            rows_of_binds(piece.len(), 2)
        );
        let rows: Vec<(i64, i64, String)> =
            query::<(BigInt, BigInt, Text), _>(conn, &text, &key_binds(piece))?;
        let note = |(user, target, note)| ((UserId::new(user), UserId::new(target)), note);
        found.extend(rows.into_iter().map(note));
    }
    Ok(found)
}

/// About how many people `user` keeps a note.
pub fn held(conn: &mut Conn, user: UserId) -> Result<i64, StoreError> {
    let text = "SELECT COUNT(*) FROM notes WHERE user_id = ?";
    let counted: Vec<i64> = query::<BigInt, _>(conn, text, &[Value::Int(user.get())])?;
    Ok(counted.first().copied().unwrap_or_default())
}

/// Replaces a note; an empty one is forgotten.
pub fn put(tx: &mut Transaction<'_>, key: Key, note: &str) -> Result<(), StoreError> {
    let [user, target] = [key.0.get(), key.1.get()].map(Value::Int);
    tx.tell(|| Told::Note(key, note.to_owned()));
    let conn = &mut *tx.conn;
    if note.is_empty() {
        execute(conn, "DELETE FROM notes WHERE user_id = ? AND target = ?", &[user, target])?;
        return Ok(());
    }
    let text = "INSERT INTO notes (user_id, target, note) VALUES (?, ?, ?)
                ON CONFLICT (user_id, target) DO UPDATE SET note = excluded.note";
    execute(conn, text, &[user, target, note.into()]).map(drop)
}
