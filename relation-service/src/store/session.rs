//! Sessions that ended before their access tokens did.

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::SessionId;
use shared::on_backend;
use shared::token::ACCESS_TOKEN_LIFE;

use super::schema::revoked_sessions;

/// Remembers that `session` ended at `at`, and forgets those whose tokens have expired by then.
pub fn revoke(conn: &mut Conn, session: SessionId, at: Micros) -> Result<(), StoreError> {
    let life = i64::try_from(ACCESS_TOKEN_LIFE.as_micros()).unwrap_or(i64::MAX);
    let expired = revoked_sessions::table.filter(revoked_sessions::revoked_at.lt(at.get() - life));
    on_backend!(conn, |c| diesel::delete(expired).execute(c))?;
    on_backend!(conn, |c| diesel::insert_into(revoked_sessions::table)
        .values((revoked_sessions::session_id.eq(session.get()), revoked_sessions::revoked_at.eq(at.get())))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// All that are remembered.
pub fn revoked(conn: &mut Conn) -> Result<Vec<(SessionId, Micros)>, StoreError> {
    let rows: Vec<(i64, i64)> = on_backend!(conn, |c| revoked_sessions::table.load(c))?;
    Ok(rows.into_iter().map(|(session, at)| (SessionId::new(session), Micros::new(at))).collect())
}
