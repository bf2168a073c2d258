//! Bringing a database to the schema that the code expects.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use super::{Conn, StoreError, with_time_limit, without_time_limit};

/// A service's migrations for both backends: the same names, the same tables.
pub struct Migrations {
    /// For the embedded database.
    pub sqlite: EmbeddedMigrations,
    /// For the server.
    pub postgres: EmbeddedMigrations,
}

/// Runs what is pending, each migration in its own transaction. Returns how many ran.
pub fn migrate(conn: &mut Conn, migrations: Migrations) -> Result<usize, StoreError> {
    without_time_limit(conn)?;
    let chosen = match conn {
        Conn::Sqlite(_) => migrations.sqlite,
        Conn::Postgres(_) => migrations.postgres,
    };
    let ran =
        conn.run_pending_migrations(chosen).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let count = ran.len();
    with_time_limit(conn)?;
    Ok(count)
}
