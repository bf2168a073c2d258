//! The migrations, on both databases: down and up again gives the same tables. And pages without those who are hidden.

use std::time::{Duration, Instant};

use diesel::sql_types::{BigInt, Text};
use diesel_migrations::MigrationHarness;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, open_writer, query};
use shared::id::UserId;
use shared::page::PageRequest;
use shared::testing::TestDatabase;

use super::list::Entry;
use super::sieve::{Bound, Found, ROWS_PER_PAIR, Wanted, find};
use super::*;

/// Migrations that make rows or columns, and no table or index.
const SMALL_MIGRATIONS: usize = 5;

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

/// Looks for rows of a list in which so many come first who are `hidden`.
fn found_behind(conn: &mut Conn, hidden: i64, wanted: Wanted) -> Result<Found<i64>, StoreError> {
    let read = |_: &mut Conn, wanted: Wanted| {
        let first = wanted.after.map_or(0, |last| last.id + 1);
        Ok((first..first + wanted.rows).collect())
    };
    let entry = |id: &i64| Entry { user: UserId::new(*id), since: Micros::default() };
    let left_out = |_: &mut Conn, users: &[UserId]| {
        Ok(users.iter().filter(|user| user.get() < hidden).copied().collect())
    };
    find(conn, wanted, read, entry, left_out)
}

async fn a_page_reads_on_for_a_bounded_time(make: impl Fn() -> TestDatabase) {
    let database = make();
    let conn = &mut open_writer(&database.url).unwrap();
    let wanted = Wanted::from(PageRequest { limit: 1, after: None });
    assert_eq!(found_behind(conn, 1_000, wanted).unwrap().rows, [1_000, 1_001], "it is not short");
    let Bound::Until(until) = wanted.bound else { panic!("a page is bounded by time") };
    assert!(until <= Instant::now() + Duration::from_secs(10), "it ends before its caller is refused");
    let over = Wanted { bound: Bound::Until(Instant::now()), ..wanted };
    assert_eq!(found_behind(conn, 0, over).unwrap().rows, [0, 1], "what the first look finds is told");
    let soon = Wanted { bound: Bound::Until(Instant::now() + Duration::from_millis(50)), ..wanted };
    assert!(matches!(found_behind(conn, i64::MAX, soon), Err(StoreError::TooLong(_))), "it ends");
}

async fn a_step_reads_so_many_rows_and_the_next_goes_on_behind_them(make: impl Fn() -> TestDatabase) {
    let database = make();
    let conn = &mut open_writer(&database.url).unwrap();
    let most = 2 * ROWS_PER_PAIR;
    let (mut after, mut steps) = (None, 0);
    let found = loop {
        let found = found_behind(conn, 3 * most + 1, Wanted::of_step(after, 2)).unwrap();
        steps += 1;
        let Some(left_at) = found.left_at else { break found };
        assert_eq!((found.rows.len(), left_at.id), (0, steps * most - 1), "step {steps}");
        after = found.left_at;
    };
    assert_eq!((steps, found.rows), (4, vec![3 * most + 1, 3 * most + 2]));
}

shared::on_both_databases!(
    migrations_go_down_and_up_again,
    a_page_reads_on_for_a_bounded_time,
    a_step_reads_so_many_rows_and_the_next_goes_on_behind_them,
);
