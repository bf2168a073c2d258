//! Which of several instances on one database does what only one needs to do.

use diesel::sql_types::BigInt;

use super::{Conn, StoreError, query};

/// Takes the turn for as long as the connection lives, unless another instance has it. On an embedded database there is
/// but one process.
///
/// The lock is named after this database's log, so that two services in one database, each in a schema of its own, do
/// not take each other's.
pub fn take_turn(conn: &mut Conn) -> Result<bool, StoreError> {
    if let Conn::Sqlite(_) = conn {
        return Ok(true);
    }
    let text = "SELECT CASE WHEN pg_try_advisory_lock(CAST(CAST('log_head' AS regclass) AS BIGINT))
                THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END";
    let taken: Vec<i64> =
        query::<(BigInt,), (i64,)>(conn, text, &[])?.into_iter().map(|(taken,)| taken).collect();
    Ok(taken == [1])
}
