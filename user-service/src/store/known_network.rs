//! The networks from which a person has signed in, as rows.

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, execute};
use shared::id::UserId;
use shared::on_backend;

use super::schema::known_networks;

/// When a person was last seen in a network, to within a day; nothing if never.
pub fn seen_at(conn: &mut Conn, user: UserId, network: &str) -> Result<Option<Micros>, StoreError> {
    let wanted = known_networks::table.find((user.get(), network)).select(known_networks::seen_at);
    let found: Option<i64> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    Ok(found.map(Micros::new))
}

/// When a person was last seen in each network that is known of them, to within a day; the newest first.
pub fn all_seen_at(conn: &mut Conn, user: UserId) -> Result<Vec<Micros>, StoreError> {
    let wanted = known_networks::table
        .filter(known_networks::user_id.eq(user.get()))
        .order(known_networks::seen_at.desc())
        .select(known_networks::seen_at);
    let found: Vec<i64> = on_backend!(conn, |c| wanted.load(c))?;
    Ok(found.into_iter().map(Micros::new).collect())
}

/// Notes that a person is in a network at `now`, and keeps the `max` networks of theirs that were seen last.
pub fn note(conn: &mut Conn, user: UserId, network: &str, now: Micros, max: usize) -> Result<(), StoreError> {
    let text = "INSERT INTO known_networks (user_id, network, seen_at) VALUES (?,?,?)
        ON CONFLICT (user_id, network) DO UPDATE SET seen_at = excluded.seen_at";
    execute(conn, text, &[user.get().into(), network.into(), now.get().into()])?;
    let kept = i64::try_from(max).unwrap_or(i64::MAX);
    let text = "DELETE FROM known_networks WHERE user_id = ? AND network NOT IN (
        SELECT network FROM known_networks WHERE user_id = ? ORDER BY seen_at DESC, network LIMIT ?)";
    execute(conn, text, &[user.get().into(), user.get().into(), kept.into()])?;
    Ok(())
}
