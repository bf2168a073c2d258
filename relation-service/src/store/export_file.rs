//! One's own lists, with names, as files have them.

use diesel::sql_types::{BigInt, SmallInt};
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, query};
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::page::Position;

use super::fact;
use super::pair::{BLOCK, FOLLOW};
use crate::domain::{Exported, ImportKind};

/// At most `limit` rows of a list of `owner`, newest first as the list itself, and from where it goes on if there may
/// be others. Hidden people are on no list.
pub fn page(
    conn: &mut Conn,
    kind: ImportKind,
    owner: UserId,
    now: Micros,
    after: Option<Position>,
    limit: i64,
) -> Result<(Vec<Exported>, Option<Position>), StoreError> {
    let (list, of) = match kind {
        ImportKind::Following => ("notify FROM edges_out WHERE source = ? AND state = ?", FOLLOW),
        ImportKind::Blocks => ("notify FROM edges_out WHERE source = ? AND state = ?", BLOCK),
        ImportKind::Mutes => ("notifications FROM mutes WHERE user_id = ? AND expires_at > ?", now.get()),
    };
    let place = after.unwrap_or(Position { key: i64::MAX, id: i64::MAX });
    let text = format!(
        "SELECT target, since, {list} AND (since, target) < (?, ?) ORDER BY since DESC, target DESC LIMIT ?"
    );
    let binds = [owner.get(), of, place.key, place.id, limit].map(Value::Int);
    let rows: Vec<(i64, i64, i16)> = query::<(BigInt, BigInt, SmallInt), _>(conn, &text, &binds)?;
    let full = i64::try_from(rows.len()).is_ok_and(|count| count >= limit);
    let next = rows.last().filter(|_| full).map(|&(id, key, _)| Position { key, id });
    let people: Vec<UserId> = rows.iter().map(|(target, _, _)| UserId::new(*target)).collect();
    let mut known = fact::known(conn, &people)?;
    let exported = rows.into_iter().filter_map(|(target, _, option)| {
        let person = known.remove(&UserId::new(target))?;
        let is_shown = person.facts.status == AccountStatus::Active;
        is_shown.then_some(Exported { username: person.facts.username, option: option != 0 })
    });
    Ok((exported.collect(), next))
}
