//! Bringing a database to the schema that the code expects.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness};
use log::info;

use super::transfer::refuse_unfinished;
use super::{Conn, DatabaseUrl, Owner, StoreError, open_writer, with_time_limit, without_time_limit};

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

/// What a program does about the schema of its service's database before it serves.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// Whose database, and which program brings it to its schema.
    pub service: &'static str,
    /// Brings it there, and returns how many migrations ran.
    pub migrate: fn(&mut Conn) -> Result<usize, StoreError>,
    /// How many have not run.
    pub pending: fn(&mut Conn) -> Result<usize, StoreError>,
}

/// Why a database is not at the schema of this program.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It cannot be opened, brought there or looked at.
    #[error("{0}: {1}")]
    Store(&'static str, StoreError),
    /// It is older, and this start is not to change it.
    #[error("{0}: {1} migrations are pending: run {0} --migrate-only first")]
    Pending(&'static str, usize),
}

impl Schema {
    /// Brings a database to the schema, beside no other process on an embedded one, and says so.
    pub fn bring(&self, url: &DatabaseUrl) -> Result<(), SchemaError> {
        let ran = self.with(url, self.migrate)?;
        info!("{url} has the schema of this version: {ran} migrations were pending");
        Ok(())
    }

    /// Refuses a database that is not at the schema.
    pub fn expect(&self, url: &DatabaseUrl) -> Result<(), SchemaError> {
        match self.with(url, self.pending)? {
            0 => Ok(()),
            pending => Err(SchemaError::Pending(self.service, pending)),
        }
    }

    fn with(
        &self,
        url: &DatabaseUrl,
        work: impl FnOnce(&mut Conn) -> Result<usize, StoreError>,
    ) -> Result<usize, SchemaError> {
        let done = Owner::take(url).and_then(|_owner| work(&mut open_writer(url)?));
        done.map_err(|error| SchemaError::Store(self.service, error))
    }
}
