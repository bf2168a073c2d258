//! Suspensions as rows.

use std::collections::HashMap;

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, chunks};
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::on_backend;

use super::schema::suspensions;
use crate::domain::moderation::{Sentence, Suspension};

#[derive(Queryable, Insertable)]
#[diesel(table_name = suspensions, treat_none_as_default_value = false)]
struct SuspensionRow {
    user_id: i64,
    reason: String,
    since: i64,
    until: Option<i64>,
    moderator_id: Option<i64>,
    status_before: i16,
}

impl TryFrom<SuspensionRow> for Suspension {
    type Error = StoreError;

    fn try_from(row: SuspensionRow) -> Result<Self, StoreError> {
        let damaged = || StoreError::Unreadable(format!("the suspension of user {}", row.user_id));
        Ok(Self {
            sentence: Sentence { reason: row.reason, until: row.until.map(Micros::new) },
            since: Micros::new(row.since),
            by: row.moderator_id.map(UserId::new),
            status_before: AccountStatus::from_code(row.status_before).ok_or_else(damaged)?,
        })
    }
}

/// Those of `users` who are suspended.
pub fn of(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, Suspension>, StoreError> {
    let mut found = HashMap::new();
    for piece in chunks(users) {
        let wanted =
            suspensions::table.filter(suspensions::user_id.eq_any(piece.iter().map(|user| user.get())));
        let rows: Vec<SuspensionRow> = on_backend!(conn, |c| wanted.load(c))?;
        for row in rows {
            found.insert(UserId::new(row.user_id), Suspension::try_from(row)?);
        }
    }
    Ok(found)
}

/// Writes a suspension, in place of what was there.
pub fn put(conn: &mut Conn, user: UserId, suspension: &Suspension) -> Result<(), StoreError> {
    remove(conn, user)?;
    let row = SuspensionRow {
        user_id: user.get(),
        reason: suspension.sentence.reason.clone(),
        since: suspension.since.get(),
        until: suspension.sentence.until.map(Micros::get),
        moderator_id: suspension.by.map(UserId::get),
        status_before: suspension.status_before.to_code(),
    };
    on_backend!(conn, |c| diesel::insert_into(suspensions::table).values(row).execute(c))?;
    Ok(())
}

/// Forgets a suspension.
pub fn remove(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::delete(suspensions::table.find(user.get())).execute(c))?;
    Ok(())
}

/// At most `limit` people whose suspension is over, the longest over first.
pub fn over(conn: &mut Conn, now: Micros, limit: i64) -> Result<Vec<UserId>, StoreError> {
    let wanted = suspensions::table
        .filter(suspensions::until.le(now.get()))
        .order((suspensions::until.asc(), suspensions::user_id.asc()))
        .limit(limit)
        .select(suspensions::user_id);
    let rows: Vec<i64> = on_backend!(conn, |c| wanted.load(c))?;
    Ok(rows.into_iter().map(UserId::new).collect())
}
