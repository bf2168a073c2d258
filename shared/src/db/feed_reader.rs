//! Who has ever read the feed, and how far, for instances beside the one that heard it.

use diesel::prelude::*;

use super::schema::feed_readers;
use super::{Conn, StoreError};
use crate::on_backend;

/// All of them, each with how far some instance has heard that it came.
pub fn readers(conn: &mut Conn) -> Result<Vec<(String, i64)>, StoreError> {
    let all = feed_readers::table.select((feed_readers::name, feed_readers::position));
    Ok(on_backend!(conn, |c| all.load(c))?)
}

/// Remembers one for good.
pub fn remember(conn: &mut Conn, name: &str) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::insert_into(feed_readers::table)
        .values((feed_readers::name.eq(name), feed_readers::position.eq(0)))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Moves a reader forward.
pub fn move_to(conn: &mut Conn, name: &str, position: i64) -> Result<(), StoreError> {
    let behind = feed_readers::name.eq(name).and(feed_readers::position.lt(position));
    let held = feed_readers::table.filter(behind);
    on_backend!(conn, |c| diesel::update(held).set(feed_readers::position.eq(position)).execute(c))?;
    Ok(())
}
