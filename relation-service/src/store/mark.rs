//! What people keep about others without telling them.

use std::collections::HashMap;

use diesel::sql_types::{BigInt, SmallInt};
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, chunks, execute, query};
use shared::id::UserId;
use shared::page::{PageRequest, Position};

use super::fact::hidden_among;
use super::list::Entry;
use super::pair::{Key, PairChange, int_binds, key_binds};
use super::rows_of_binds;
use super::sieve::{Wanted, fill};
use crate::domain::{Marks, Mute};

/// Stored for a mute that never ends, so that one comparison serves all.
const NEVER: i64 = i64::MAX;

/// One row of the list of mutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Muted {
    /// Who is muted.
    pub user: UserId,
    /// How.
    pub mute: Mute,
}

impl Muted {
    /// Its place in the list.
    pub fn position(&self) -> Position {
        Position { key: self.mute.since.get(), id: self.user.get() }
    }
}

pub(super) fn mute((since, expires_at, notifications): (i64, i64, i16)) -> Mute {
    let expires_at = Some(expires_at).filter(|end| *end != NEVER).map(Micros::new);
    Mute { since: Micros::new(since), expires_at, notifications: notifications != 0 }
}

/// The marks of each key's first person on its second. Who is not in the map has made none.
pub(super) fn marks(conn: &mut Conn, keys: &[Key]) -> Result<HashMap<Key, Marks>, StoreError> {
    let mut found: HashMap<Key, Marks> = HashMap::new();
    for piece in chunks(keys) {
        let text = format!(
            "SELECT user_id, target, since, expires_at, notifications FROM mutes
             WHERE (user_id, target) IN (VALUES {})",
            rows_of_binds(piece.len(), 2)
        );
        let rows: Vec<(i64, i64, i64, i64, i16)> =
            query::<(BigInt, BigInt, BigInt, BigInt, SmallInt), _>(conn, &text, &key_binds(piece))?;
        for (user, target, since, expires_at, notifications) in rows {
            let marks = found.entry((UserId::new(user), UserId::new(target))).or_default();
            marks.mute = Some(mute((since, expires_at, notifications)));
        }
        let text = format!(
            "SELECT user_id, target, since FROM close_friends WHERE (user_id, target) IN (VALUES {})",
            rows_of_binds(piece.len(), 2)
        );
        let rows: Vec<(i64, i64, i64)> =
            query::<(BigInt, BigInt, BigInt), _>(conn, &text, &key_binds(piece))?;
        for (user, target, since) in rows {
            let marks = found.entry((UserId::new(user), UserId::new(target))).or_default();
            marks.close_friend = Some(Micros::new(since));
        }
    }
    Ok(found)
}

/// How many mutes of each of `users` hold at `now`; who is not in the map has none.
pub fn mutes_held(
    conn: &mut Conn,
    users: &[UserId],
    now: Micros,
) -> Result<HashMap<UserId, i64>, StoreError> {
    let mut found = HashMap::new();
    for piece in chunks(users) {
        let text = format!(
            "SELECT user_id, COUNT(*) FROM mutes WHERE user_id IN ({}) AND expires_at > ? GROUP BY user_id",
            vec!["?"; piece.len()].join(",")
        );
        let mut binds: Vec<Value<'_>> = piece.iter().map(|user| Value::Int(user.get())).collect();
        binds.push(Value::Int(now.get()));
        let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, &text, &binds)?;
        found.extend(rows.into_iter().map(|(user, count)| (UserId::new(user), count)));
    }
    Ok(found)
}

/// How many close friends each of `users` has; who is not in the map has none.
pub fn close_friends_held(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, i64>, StoreError> {
    let mut found = HashMap::new();
    for piece in chunks(users) {
        let text = format!(
            "SELECT user_id, COUNT(*) FROM close_friends WHERE user_id IN ({}) GROUP BY user_id",
            vec!["?"; piece.len()].join(",")
        );
        let binds: Vec<Value<'_>> = piece.iter().map(|user| Value::Int(user.get())).collect();
        let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, &text, &binds)?;
        found.extend(rows.into_iter().map(|(user, count)| (UserId::new(user), count)));
    }
    Ok(found)
}

/// Forgets those mutes of `users` that are over, so that short ones do not pile up. Whoever remembers one asks the
/// time whether it holds, so nobody has to be told.
pub fn forget_expired(conn: &mut Conn, users: &[UserId], now: Micros) -> Result<(), StoreError> {
    for piece in chunks(users) {
        let text = format!(
            "DELETE FROM mutes WHERE user_id IN ({}) AND expires_at <= ?",
            vec!["?"; piece.len()].join(",")
        );
        let mut binds: Vec<Value<'_>> = piece.iter().map(|user| Value::Int(user.get())).collect();
        binds.push(Value::Int(now.get()));
        execute(conn, &text, &binds)?;
    }
    Ok(())
}

/// The mutes of `owner` that hold at `now`, newest first, after the request's cursor: at most one more than
/// its page holds. A person's rows are bounded by the limit, so they are sorted as they are.
pub fn mutes(
    conn: &mut Conn,
    owner: UserId,
    now: Micros,
    request: PageRequest,
) -> Result<Vec<Muted>, StoreError> {
    let read = |conn: &mut Conn, wanted| {
        let mut text = "SELECT target, since, expires_at, notifications FROM mutes
            WHERE user_id = ? AND expires_at > ?"
            .to_owned();
        let mut binds = vec![Value::Int(owner.get()), Value::Int(now.get())];
        newest_first(&mut text, &mut binds, wanted);
        let rows: Vec<(i64, i64, i64, i16)> =
            query::<(BigInt, BigInt, BigInt, SmallInt), _>(conn, &text, &binds)?;
        let muted = |(user, since, expires_at, notifications)| Muted {
            user: UserId::new(user),
            mute: mute((since, expires_at, notifications)),
        };
        Ok(rows.into_iter().map(muted).collect())
    };
    let entry = |muted: &Muted| Entry { user: muted.user, since: muted.mute.since };
    fill(conn, request.into(), read, entry, hidden_among)
}

/// The close friends of `owner`, newest first, after the request's cursor: at most one more than its page
/// holds.
pub fn close_friends(conn: &mut Conn, owner: UserId, request: PageRequest) -> Result<Vec<Entry>, StoreError> {
    let read = |conn: &mut Conn, wanted| {
        let mut text = "SELECT target, since FROM close_friends WHERE user_id = ?".to_owned();
        let mut binds = vec![Value::Int(owner.get())];
        newest_first(&mut text, &mut binds, wanted);
        let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, &text, &binds)?;
        let entry = |(user, since)| Entry { user: UserId::new(user), since: Micros::new(since) };
        Ok(rows.into_iter().map(entry).collect())
    };
    fill(conn, request.into(), read, |entry| *entry, hidden_among)
}

fn newest_first(text: &mut String, binds: &mut Vec<Value<'_>>, wanted: Wanted) {
    if let Some(after) = wanted.after {
        text.push_str(" AND (since, target) < (?, ?)");
        binds.extend([Value::Int(after.key), Value::Int(after.id)]);
    }
    text.push_str(" ORDER BY since DESC, target DESC LIMIT ?");
    binds.push(Value::Int(wanted.rows));
}

/// Writes what differs.
pub(super) fn write(conn: &mut Conn, changes: &[PairChange]) -> Result<(), StoreError> {
    let sides = changes.iter().flat_map(|change| {
        let (source, target) = change.key;
        [
            ((source, target), change.before.marks, change.after.marks),
            ((target, source), change.before.back_marks, change.after.back_marks),
        ]
    });
    let sides: Vec<(Key, Marks, Marks)> = sides.filter(|(_, before, after)| before != after).collect();
    write_mutes(conn, &sides)?;
    write_close_friends(conn, &sides)
}

fn write_mutes(conn: &mut Conn, sides: &[(Key, Marks, Marks)]) -> Result<(), StoreError> {
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for (key, _, after) in sides.iter().filter(|(_, before, after)| before.mute != after.mute) {
        match after.mute {
            None => gone.push(*key),
            Some(mute) => {
                let expires_at = mute.expires_at.map_or(NEVER, Micros::get);
                let notifications = i64::from(mute.notifications);
                kept.push([key.0.get(), key.1.get(), mute.since.get(), expires_at, notifications]);
            }
        }
    }
    delete(conn, "mutes", &gone)?;
    for piece in chunks(&kept) {
        let text = format!(
            "INSERT INTO mutes (user_id, target, since, expires_at, notifications) VALUES {}
             ON CONFLICT (user_id, target) DO UPDATE SET since = excluded.since,
                expires_at = excluded.expires_at, notifications = excluded.notifications",
            rows_of_binds(piece.len(), 5)
        );
        execute(conn, &text, &int_binds(piece))?;
    }
    Ok(())
}

fn write_close_friends(conn: &mut Conn, sides: &[(Key, Marks, Marks)]) -> Result<(), StoreError> {
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for (key, _, after) in sides.iter().filter(|(_, before, after)| before.close_friend != after.close_friend)
    {
        match after.close_friend {
            None => gone.push(*key),
            Some(since) => new.push([key.0.get(), key.1.get(), since.get()]),
        }
    }
    delete(conn, "close_friends", &gone)?;
    for piece in chunks(&new) {
        // In one batch a mark may go and come again: then only its time differs.
        let text = format!(
            "INSERT INTO close_friends (user_id, target, since) VALUES {}
             ON CONFLICT (user_id, target) DO UPDATE SET since = excluded.since",
            rows_of_binds(piece.len(), 3)
        );
        execute(conn, &text, &int_binds(piece))?;
    }
    Ok(())
}

fn delete(conn: &mut Conn, table: &str, gone: &[Key]) -> Result<(), StoreError> {
    for piece in chunks(gone) {
        let rows = rows_of_binds(piece.len(), 2);
        let text = format!("DELETE FROM {table} WHERE (user_id, target) IN (VALUES {rows})");
        execute(conn, &text, &key_binds(piece))?;
    }
    Ok(())
}
