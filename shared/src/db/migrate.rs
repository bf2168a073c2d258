//! Bringing a database to the schema that the code expects.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use super::transfer::refuse_unfinished;
use super::{Conn, StoreError, with_time_limit, without_time_limit};

/// A service's migrations for both backends: the same names, the same tables.
pub struct Migrations {
    /// For the embedded database.
    pub sqlite: EmbeddedMigrations,
    /// For the server.
    pub postgres: EmbeddedMigrations,
}

impl Migrations {
    fn of(self, conn: &Conn) -> EmbeddedMigrations {
        match conn {
            Conn::Sqlite(_) => self.sqlite,
            Conn::Postgres(_) => self.postgres,
        }
    }
}

/// Runs what is pending, each migration in its own transaction, and refuses a database that is only half filled. Returns
/// how many ran.
pub fn migrate(conn: &mut Conn, migrations: Migrations) -> Result<usize, StoreError> {
    let ran = bring_to_schema(conn, migrations)?;
    refuse_unfinished(conn)?;
    Ok(ran)
}

/// The same, also for one that is being filled.
pub fn bring_to_schema(conn: &mut Conn, migrations: Migrations) -> Result<usize, StoreError> {
    without_time_limit(conn)?;
    let chosen = migrations.of(conn);
    let ran = conn.run_pending_migrations(chosen).map_err(|error| unavailable(&*error))?;
    let count = ran.len();
    with_time_limit(conn)?;
    Ok(count)
}

/// How many migrations have not run.
pub fn pending_migrations(conn: &mut Conn, migrations: Migrations) -> Result<usize, StoreError> {
    let chosen = migrations.of(conn);
    Ok(conn.pending_migrations(chosen).map_err(|error| unavailable(&*error))?.len())
}

fn unavailable(error: &(dyn std::error::Error + Send + Sync)) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
