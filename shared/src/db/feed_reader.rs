//! Who has ever read the feed.

use diesel::prelude::*;

use super::schema::feed_readers;
use super::{Conn, StoreError};
use crate::on_backend;

/// All of them.
pub fn readers(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    Ok(on_backend!(conn, |c| feed_readers::table.select(feed_readers::name).load(c))?)
}

/// Remembers one for good.
pub fn remember(conn: &mut Conn, name: &str) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::insert_into(feed_readers::table)
        .values(feed_readers::name.eq(name))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}
