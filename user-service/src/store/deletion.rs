//! Who has asked to be forgotten, and how far that has come.

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, chunks};
use shared::id::UserId;
use shared::on_backend;

use super::schema::deletions;

/// How far a deletion has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A login restores the account.
    Waiting,
    /// The purge has begun, and the world has been told.
    Purging,
    /// Out of all tables, but perhaps not out of unused parts of the database's files, nor out of mails in files.
    Unwiped,
}

impl Stage {
    const fn code(self) -> i16 {
        match self {
            Self::Waiting => 0,
            Self::Purging => 1,
            Self::Unwiped => 2,
        }
    }
}

/// Notes that a person is to be purged at `purge_at`.
pub fn begin(conn: &mut Conn, user: UserId, purge_at: Micros) -> Result<(), StoreError> {
    let row = (
        deletions::user_id.eq(user.get()),
        deletions::purge_at.eq(purge_at.get()),
        deletions::stage.eq(Stage::Waiting.code()),
    );
    let again = (deletions::purge_at.eq(purge_at.get()), deletions::stage.eq(Stage::Waiting.code()));
    on_backend!(conn, |c| diesel::insert_into(deletions::table)
        .values(row)
        .on_conflict(deletions::user_id)
        .do_update()
        .set(again)
        .execute(c))?;
    Ok(())
}

/// When a person is to be purged; nothing if they have not asked to be.
pub fn purge_at(conn: &mut Conn, user: UserId) -> Result<Option<Micros>, StoreError> {
    let wanted = deletions::table.find(user.get()).select(deletions::purge_at);
    let found: Option<i64> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    Ok(found.map(Micros::new))
}

/// The person who has waited longest at this stage, of those whose time had come by `now`.
pub fn next(conn: &mut Conn, stage: Stage, now: Micros) -> Result<Option<UserId>, StoreError> {
    let wanted = deletions::table
        .filter(deletions::stage.eq(stage.code()).and(deletions::purge_at.le(now.get())))
        .order(deletions::purge_at.asc())
        .select(deletions::user_id)
        .limit(1);
    let found: Option<i64> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    Ok(found.map(UserId::new))
}

/// Moves a deletion on.
pub fn advance(conn: &mut Conn, user: UserId, stage: Stage) -> Result<(), StoreError> {
    let held = deletions::table.find(user.get());
    on_backend!(conn, |c| diesel::update(held).set(deletions::stage.eq(stage.code())).execute(c))?;
    Ok(())
}

/// Forgets that a person asked: they are back.
pub fn cancel(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::delete(deletions::table.find(user.get())).execute(c))?;
    Ok(())
}

/// Everybody of whom something may be left in files, of those whose time had come by `now`.
pub fn unwiped(conn: &mut Conn, now: Micros) -> Result<Vec<UserId>, StoreError> {
    let wanted = deletions::table
        .filter(deletions::stage.eq(Stage::Unwiped.code()).and(deletions::purge_at.le(now.get())))
        .select(deletions::user_id);
    let found: Vec<i64> = on_backend!(conn, |c| wanted.load(c))?;
    Ok(found.into_iter().map(UserId::new).collect())
}

/// Forgets those of whom nothing is left.
pub fn wiped(conn: &mut Conn, people: &[UserId]) -> Result<(), StoreError> {
    for piece in chunks(people) {
        let done = deletions::table.filter(deletions::user_id.eq_any(piece.iter().map(|user| user.get())));
        on_backend!(conn, |c| diesel::delete(done).execute(c))?;
    }
    Ok(())
}
