//! Work that is done in bounded steps: which is open, and what the next step touches.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use shared::db::{Conn, StoreError, Value, query};
use shared::id::UserId;
use shared::on_backend;

use super::pair::REQUEST;
use super::schema::sweeps;

const ACCEPT_ALL: i16 = 1;

/// Notes that all requests to `user` are to be accepted.
pub fn begin(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::insert_into(sweeps::table)
        .values((sweeps::user_id.eq(user.get()), sweeps::kind.eq(ACCEPT_ALL)))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Notes that the work for `user` is done.
pub fn end(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    let done = sweeps::table.find((user.get(), ACCEPT_ALL));
    on_backend!(conn, |c| diesel::delete(done).execute(c))?;
    Ok(())
}

/// For whom work is open.
pub fn open(conn: &mut Conn) -> Result<Vec<UserId>, StoreError> {
    let wanted = sweeps::table.filter(sweeps::kind.eq(ACCEPT_ALL)).select(sweeps::user_id);
    let users: Vec<i64> = on_backend!(conn, |c| wanted.load(c))?;
    Ok(users.into_iter().map(UserId::new).collect())
}

/// At most `limit` people who have asked to follow `user`, oldest request first.
pub fn requesters(conn: &mut Conn, user: UserId, limit: i64) -> Result<Vec<UserId>, StoreError> {
    let text = "SELECT source FROM edges_in WHERE target = ? AND state = ?
                ORDER BY neg_since DESC, source DESC LIMIT ?";
    let binds = [Value::Int(user.get()), Value::Int(REQUEST), Value::Int(limit)];
    let rows: Vec<i64> = query::<BigInt, _>(conn, text, &binds)?;
    Ok(rows.into_iter().map(UserId::new).collect())
}
