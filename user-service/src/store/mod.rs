//! The user database: all SQL of this service, and no rule.

pub mod audit;
pub mod audit_log;
pub mod cards;
pub mod claim;
pub mod deletion;
pub mod idempotency;
pub mod known_network;
pub mod mail;
pub mod mail_token;
pub mod node;
pub mod password_reset;
pub mod purge;
pub mod roster;
mod schema;
pub mod search;
pub mod search_index;
pub mod session;
pub mod suspension;
pub mod told;
pub mod two_factor;
pub mod upkeep;
pub mod user;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use shared::db::{Conn, Migrations, StoreError, begin_snapshot, end_write};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The schema, for a command that fills a database.
pub const MIGRATIONS: Migrations = Migrations { sqlite: SQLITE, postgres: POSTGRES };

/// Brings the database to this schema, with everybody in the search index. Returns how many migrations ran.
pub fn migrate(conn: &mut Conn) -> Result<usize, StoreError> {
    let ran = shared::db::migrate(conn, MIGRATIONS)?;
    search_index::complete(conn)?;
    Ok(ran)
}

/// How many migrations have not run.
pub fn pending(conn: &mut Conn) -> Result<usize, StoreError> {
    shared::db::pending_migrations(conn, MIGRATIONS)
}

/// Runs `read` on one state of the database, and says which: the log's head that this state includes.
pub fn snapshot<T>(
    conn: &mut Conn,
    read: impl FnOnce(&mut Conn) -> Result<T, StoreError>,
) -> Result<(T, i64), StoreError> {
    begin_snapshot(conn)?;
    let done = shared::db::log::head(conn).and_then(|head| Ok((read(conn)?, head.seq)));
    end_write(conn, false)?;
    done
}

/// `(?,?),(?,?)`: as many rows of as many binds.
fn rows_of_binds(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![row.as_str(); rows].join(",")
}
