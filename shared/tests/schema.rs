//! What a program does about the schema before it serves.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use shared::db::audit::count;
use shared::db::{Conn, DatabaseUrl, Owner, Schema, SchemaError, StoreError, execute};
use shared::testing::TestDatabase;

/// One table is all of it.
const SCHEMA: Schema = Schema { service: "some-service", migrate, pending };

fn migrate(conn: &mut Conn) -> Result<usize, StoreError> {
    let missing = pending(conn)?;
    execute(conn, "CREATE TABLE IF NOT EXISTS the_schema (number BIGINT)", &[])?;
    Ok(missing)
}

fn pending(conn: &mut Conn) -> Result<usize, StoreError> {
    Ok(usize::from(count(conn, "SELECT number FROM the_schema").is_err()))
}

async fn a_database_is_refused_until_it_was_brought_there(make: fn() -> TestDatabase) {
    let database = make();
    let refused = SCHEMA.expect(&database.url).unwrap_err().to_string();
    let way_out = "some-service: 1 migrations are pending: run some-service --migrate-only first";
    assert_eq!(refused, way_out);
    for _ in 0..2 {
        SCHEMA.bring(&database.url).unwrap();
        SCHEMA.expect(&database.url).unwrap();
    }
}

shared::on_both_databases!(a_database_is_refused_until_it_was_brought_there);

#[test]
fn nothing_is_done_beside_the_owner_of_an_embedded_database() {
    let dir = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(dir.path().join("a.db"));
    let owner = Owner::take(&url).unwrap();
    for done in [SCHEMA.bring(&url), SCHEMA.expect(&url)] {
        let refused = done.unwrap_err();
        assert!(matches!(refused, SchemaError::Store("some-service", StoreError::InUse(_))), "{refused}");
    }
    drop(owner);
    SCHEMA.bring(&url).unwrap();
}
