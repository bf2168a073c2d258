//! When people began to follow others, as far back as the quota counts.

use std::collections::HashMap;

use diesel::sql_types::BigInt;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, chunks, execute, query};
use shared::id::UserId;

use super::pair::int_binds;
use super::rows_of_binds;

/// The starts of each of `users` after `from`, oldest first; who is not in the map has none.
pub fn starts(
    conn: &mut Conn,
    users: &[UserId],
    from: Micros,
) -> Result<HashMap<UserId, Vec<Micros>>, StoreError> {
    let mut found: HashMap<UserId, Vec<Micros>> = HashMap::new();
    for piece in chunks(users) {
        let text = format!(
            "SELECT user_id, at FROM follow_starts WHERE user_id IN ({}) AND at > ? ORDER BY user_id, at",
            vec!["?"; piece.len()].join(",")
        );
        let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, &text, &until(piece, from))?;
        for (user, at) in rows {
            found.entry(UserId::new(user)).or_default().push(Micros::new(at));
        }
    }
    Ok(found)
}

/// Adds `new` starts, and forgets those of the same people that no longer count after `from`.
pub fn put(conn: &mut Conn, new: &[(UserId, Micros)], from: Micros) -> Result<(), StoreError> {
    let mut users: Vec<UserId> = new.iter().map(|(user, _)| *user).collect();
    users.sort_unstable();
    users.dedup();
    for piece in chunks(&users) {
        let people = vec!["?"; piece.len()].join(",");
        let text = format!("DELETE FROM follow_starts WHERE user_id IN ({people}) AND at <= ?");
        execute(conn, &text, &until(piece, from))?;
    }
    let rows: Vec<[i64; 2]> = new.iter().map(|(user, at)| [user.get(), at.get()]).collect();
    for piece in chunks(&rows) {
        let text =
            format!("INSERT INTO follow_starts (user_id, at) VALUES {}", rows_of_binds(piece.len(), 2));
        execute(conn, &text, &int_binds(piece))?;
    }
    Ok(())
}

fn until(users: &[UserId], from: Micros) -> Vec<Value<'static>> {
    users.iter().map(|user| user.get()).chain([from.get()]).map(Value::Int).collect()
}
