//! Whom a person does not want to be suggested.

use std::collections::HashSet;

use diesel::sql_types::BigInt;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, chunks, execute, query};
use shared::id::UserId;

/// Keeps that `user` dismissed `target`; a repeat renews it. Those up to `lapsed_at` are forgotten, and of the others the
/// oldest beyond `max`.
pub fn put(
    conn: &mut Conn,
    user: UserId,
    target: UserId,
    now: Micros,
    lapsed_at: Micros,
    max: i64,
) -> Result<(), StoreError> {
    let [user, target, now, lapsed] = [user.get(), target.get(), now.get(), lapsed_at.get()].map(Value::Int);
    let text = "INSERT INTO dismissals (user_id, target, since) VALUES (?, ?, ?)
                ON CONFLICT (user_id, target) DO UPDATE SET since = excluded.since";
    execute(conn, text, &[user, target, now])?;
    let text = "SELECT COUNT(*), MIN(since) FROM dismissals WHERE user_id = ?";
    let kept: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, text, &[user])?;
    if kept.iter().all(|&(count, oldest)| count <= max && oldest > lapsed_at.get()) {
        return Ok(());
    }
    let text = "DELETE FROM dismissals WHERE user_id = ? AND (since <= ? OR target NOT IN (
                    SELECT target FROM dismissals WHERE user_id = ? ORDER BY since DESC, target DESC LIMIT ?))";
    execute(conn, text, &[user, lapsed, user, max.into()]).map(drop)
}

/// Those of `targets` whom `user` has dismissed after `lapsed`.
pub fn among(
    conn: &mut Conn,
    user: UserId,
    targets: &[UserId],
    lapsed: Micros,
) -> Result<HashSet<UserId>, StoreError> {
    let mut found = HashSet::new();
    for piece in chunks(targets) {
        let text = format!(
            "SELECT target FROM dismissals WHERE user_id = ? AND since > ? AND target IN ({})",
            vec!["?"; piece.len()].join(",")
        );
        let targets = piece.iter().map(|target| target.get());
        let binds: Vec<Value<'_>> =
            [user.get(), lapsed.get()].into_iter().chain(targets).map(Value::Int).collect();
        found.extend(query::<BigInt, i64>(conn, &text, &binds)?.into_iter().map(UserId::new));
    }
    Ok(found)
}
