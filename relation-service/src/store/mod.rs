//! The relation database: all SQL of this service, and no rule.

pub mod audit;
pub mod count;
pub mod dismissal;
pub mod export;
pub mod export_file;
pub mod fact;
pub mod fanout;
pub mod follow_start;
pub mod graph;
pub mod import;
pub mod import_row;
pub mod key;
pub mod list;
pub mod mark;
pub mod note;
pub mod overlap;
pub mod pair;
pub mod private_span;
pub mod purge;
mod schema;
pub mod session;
pub mod shadow;
mod sieve;
pub mod sight;
pub mod suggestion;
pub mod sweep;
#[cfg(test)]
mod tests;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use shared::db::{Conn, Migrations, StoreError};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The schema, for a command that fills a database.
pub const MIGRATIONS: Migrations = Migrations { sqlite: SQLITE, postgres: POSTGRES };

/// Brings the database to this schema. Returns how many migrations ran.
pub fn migrate(conn: &mut Conn) -> Result<usize, StoreError> {
    shared::db::migrate(conn, MIGRATIONS)
}

/// How many migrations have not run.
pub fn pending(conn: &mut Conn) -> Result<usize, StoreError> {
    shared::db::pending_migrations(conn, MIGRATIONS)
}

/// `(?,?),(?,?)`: as many rows of as many binds.
fn rows_of_binds(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![row.as_str(); rows].join(",")
}
