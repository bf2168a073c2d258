//! Opening connections with the settings that the promises of durability rest on.

use std::path::Path;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, ConnectionError, RunQueryDsl};

use super::{DatabaseUrl, StoreError};

/// The first SQLite release without the WAL-reset corruption bug (sqlite.org/wal.html).
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// How long a statement waits for a lock of another process on the same SQLite file.
const SQLITE_BUSY_TIMEOUT_MS: u32 = 5_000;
/// How large the write-ahead file may stay after a checkpoint.
const SQLITE_JOURNAL_BYTES: u32 = 64 << 20;
/// How long a statement of a request may take on a server.
const POSTGRES_STATEMENT_TIMEOUT: &str = "10s";
/// The page cache of a writer, in KiB: what a full batch changes fits into it, five pages for each of 512 acts, so that
/// none is written twice. Not more, since a commit that has split a page goes through all of it.
const SQLITE_WRITER_CACHE_KIB: u32 = 12 << 10;
/// What a server calls it.
pub const LISTENER_NAME: &str = "mutual tail";
/// How long one of a listener may, for which others wait.
const LISTENER_STATEMENT_TIMEOUT: &str = "1s";
/// The page cache of a bulk load, in KiB.
const SQLITE_BULK_CACHE_KIB: u32 = 512 << 10;

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// A server.
    Postgres(PgConnection),
    /// The embedded file.
    Sqlite(SqliteConnection),
}

/// Opens a connection that writes: each commit is on the disk before it is answered. What a statement of many rows would
/// need to be taken back alone stays in memory: a file for it would be written as much as the tables.
pub fn open_writer(url: &DatabaseUrl) -> Result<Conn, StoreError> {
    let mode = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
         PRAGMA cache_size = -{SQLITE_WRITER_CACHE_KIB}; PRAGMA temp_store = MEMORY;"
    );
    open(url, &mode)
}

/// Opens a connection that writes what may be lost with a crash of the server, since it will be said again.
pub fn open_hint_writer(url: &DatabaseUrl) -> Result<Conn, StoreError> {
    let mut conn = open_writer(url)?;
    if let Conn::Postgres(postgres) = &mut conn {
        postgres.batch_execute("SET synchronous_commit = off")?;
    }
    Ok(conn)
}

/// Opens a connection for loading much at once: as durable, with room to keep what it changes in memory.
pub fn open_bulk_writer(url: &DatabaseUrl) -> Result<Conn, StoreError> {
    let mut conn = open_writer(url)?;
    if let Conn::Sqlite(sqlite) = &mut conn {
        sqlite.batch_execute(&format!("PRAGMA cache_size = -{SQLITE_BULK_CACHE_KIB};"))?;
    }
    Ok(conn)
}

/// Opens a connection that only reads. On SQLite it refuses to write.
pub fn open_reader(url: &DatabaseUrl) -> Result<Conn, StoreError> {
    open(url, "PRAGMA query_only = ON;")
}

/// Opens a connection that reads, and on a server hears what is announced on `channel`. It does not wait for long.
pub fn open_listener(url: &DatabaseUrl, channel: &str) -> Result<Conn, StoreError> {
    let mut conn = open_reader(url)?;
    set_time_limit(&mut conn, LISTENER_STATEMENT_TIMEOUT)?;
    if let Conn::Postgres(postgres) = &mut conn {
        postgres.batch_execute(&format!("SET application_name = '{LISTENER_NAME}'; LISTEN {channel}"))?;
    }
    Ok(conn)
}

fn open(url: &DatabaseUrl, sqlite_mode: &str) -> Result<Conn, StoreError> {
    match url {
        DatabaseUrl::Sqlite(path) => Ok(Conn::Sqlite(open_sqlite(path, sqlite_mode)?)),
        DatabaseUrl::Postgres(url) => open_postgres(url),
    }
}

fn open_sqlite(path: &Path, mode: &str) -> Result<SqliteConnection, StoreError> {
    check_sqlite_version()?;
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}; {mode}
         PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = {SQLITE_JOURNAL_BYTES};"
    ))?;
    Ok(conn)
}

fn open_postgres(url: &str) -> Result<Conn, StoreError> {
    let mut conn = PgConnection::establish(&with_patience(url)).map_err(connection_refused)?;
    conn.batch_execute(
        "SET synchronous_commit = on; SET lock_timeout = '5s';
         SET default_transaction_isolation = 'read committed';
         SET idle_in_transaction_session_timeout = '10s'; SET client_min_messages = warning;",
    )?;
    let mut conn = Conn::Postgres(conn);
    with_time_limit(&mut conn)?;
    Ok(conn)
}

/// libpq's words, and what to do about those that a build without TLS has.
fn connection_refused(error: ConnectionError) -> StoreError {
    let text = error.to_string();
    if text.contains("SSL support is not compiled in") {
        return StoreError::Unavailable(format!(
            "{}: this program is built without TLS to Postgres; build it with --features postgres-tls",
            text.trim_end()
        ));
    }
    error.into()
}

/// The URL with bounds for a server that does not answer, unless it has its own.
fn with_patience(url: &str) -> String {
    let bounds = [("connect_timeout", "2"), ("tcp_user_timeout", "10000"), ("keepalives_idle", "10")];
    bounds.iter().filter(|(name, _)| !url.contains(name)).fold(url.to_owned(), |url, (name, value)| {
        let joint = if url.contains('?') { '&' } else { '?' };
        format!("{url}{joint}{name}={value}")
    })
}

/// Lifts the limit of a server's statements, for work that looks at whole tables.
pub fn without_time_limit(conn: &mut Conn) -> Result<(), StoreError> {
    set_time_limit(conn, "0")
}

/// Sets the usual limit of a server's statements again.
pub fn with_time_limit(conn: &mut Conn) -> Result<(), StoreError> {
    set_time_limit(conn, POSTGRES_STATEMENT_TIMEOUT)
}

/// Has a server find rows by their keys for the rest of the transaction, whatever it thinks of the tables' sizes: for
/// work that goes through a table in small pieces, where one look at the whole of another would cost more than all.
pub fn prefer_indexes(conn: &mut Conn) -> Result<(), StoreError> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => Ok(c.batch_execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
             SET LOCAL jit = off",
        )?),
    }
}

fn set_time_limit(conn: &mut Conn, limit: &str) -> Result<(), StoreError> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => Ok(c.batch_execute(&format!("SET statement_timeout = '{limit}'"))?),
    }
}

fn check_sqlite_version() -> Result<(), StoreError> {
    let mut conn = SqliteConnection::establish(":memory:")?;
    let version: String = diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>("sqlite_version()"))
        .get_result(&mut conn)?;
    if version_number(&version) >= SQLITE_VERSION_MIN {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "SQLite {version} can corrupt a database (WAL-reset bug); 3.51.3 or later is needed"
    )))
}

/// `3.51.3` as SQLite numbers it: 3051003.
fn version_number(version: &str) -> i32 {
    let mut parts = version.split('.').map(|part| part.parse::<i32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    part() * 1_000_000 + part() * 1_000 + part()
}

/// Begins a transaction that will write. SQLite takes its only write lock here, because a transaction
/// that starts as a read and writes later fails at once when another process wrote in between.
pub fn begin_write(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(match conn {
        Conn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        Conn::Postgres(c) => AnsiTransactionManager::begin_transaction(c),
    }?)
}

/// Begins a transaction that reads everything as of one moment.
pub fn begin_snapshot(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(match conn {
        Conn::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN"),
        Conn::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(
            c,
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ),
    }?)
}

/// Runs `read`, which may be several statements, on one moment of the database.
pub fn in_snapshot<T>(
    conn: &mut Conn,
    read: impl FnOnce(&mut Conn) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    begin_snapshot(conn)?;
    let done = read(conn);
    // It has written nothing. Where a statement failed, that is what is told.
    let ended = end_write(conn, false);
    let done = done?;
    ended.map(|()| done)
}

/// Ends the transaction: keeps what it wrote, or forgets it.
pub fn end_write(conn: &mut Conn, keep: bool) -> Result<(), StoreError> {
    Ok(match (conn, keep) {
        (Conn::Sqlite(c), true) => AnsiTransactionManager::commit_transaction(c),
        (Conn::Sqlite(c), false) => AnsiTransactionManager::rollback_transaction(c),
        (Conn::Postgres(c), true) => AnsiTransactionManager::commit_transaction(c),
        (Conn::Postgres(c), false) => AnsiTransactionManager::rollback_transaction(c),
    }?)
}

/// Asks the database for one trivial answer.
pub fn quick_check(conn: &mut Conn) -> Result<(), StoreError> {
    crate::on_backend!(conn, |c| c.batch_execute("SELECT 1")).map_err(StoreError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_linked_sqlite_is_new_enough_and_an_old_one_would_be_refused() {
        assert!(check_sqlite_version().is_ok());
        assert!(version_number("3.51.2") < SQLITE_VERSION_MIN);
        assert!(version_number("3.51.3") >= SQLITE_VERSION_MIN);
        assert!(version_number("3.53") > SQLITE_VERSION_MIN);
    }
}
