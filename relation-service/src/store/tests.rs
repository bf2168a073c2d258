//! The migrations, on both databases: down and up again gives the same tables.

use diesel::sql_types::{BigInt, Text};
use diesel_migrations::MigrationHarness;
use shared::db::{Conn, open_writer, query};
use shared::testing::TestDatabase;

use super::*;

/// Migrations that make rows or columns, and no table or index.
const SMALL_MIGRATIONS: usize = 3;

/// Every table and index, each column of a table on a line of its own on Postgres.
fn schema(conn: &mut Conn) -> Vec<String> {
    let text = match conn {
        Conn::Sqlite(_) => {
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY sql"
        }
        Conn::Postgres(_) => {
            "SELECT table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable AS line
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%'
             ORDER BY 1"
        }
    };
    query::<Text, String>(conn, text, &[]).unwrap()
}

fn revert_all(conn: &mut Conn) -> usize {
    let migrations = match conn {
        Conn::Sqlite(_) => SQLITE,
        Conn::Postgres(_) => POSTGRES,
    };
    conn.revert_all_migrations(migrations).unwrap().len()
}

async fn migrations_go_down_and_up_again(make: impl Fn() -> TestDatabase) {
    let database = make();
    let conn = &mut open_writer(&database.url).unwrap();
    let count = migrate(conn).unwrap();
    assert_eq!(migrate(conn).unwrap(), 0, "what is there is not made again");
    let before = schema(conn);
    assert!(
        before.iter().any(|line| line.contains("edges_out")) && before.len() >= count - SMALL_MIGRATIONS,
        "{before:?}"
    );
    assert_eq!(revert_all(conn), count);
    assert_eq!(schema(conn), Vec::<String>::new(), "down takes everything away");
    assert_eq!(migrate(conn).unwrap(), count);
    assert_eq!(schema(conn), before);
    let heads: Vec<i64> = query::<BigInt, i64>(conn, "SELECT seq FROM log_head", &[]).unwrap();
    assert_eq!(heads, [0], "the log begins");
}

shared::on_both_databases!(migrations_go_down_and_up_again);
