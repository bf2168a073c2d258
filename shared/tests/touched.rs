//! What a look at the commits of others brings, and that no look is too large.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use shared::clock::Micros;
use shared::db::touched::{NEWS_BYTES_MAX, News, news};
use shared::db::{Conn, Value, execute, open_writer};
use shared::testing::TestDatabase;

const SCHEMA: [&str; 3] = [
    "CREATE TABLE log_head (partition SMALLINT NOT NULL PRIMARY KEY, seq BIGINT NOT NULL, at BIGINT NOT NULL)",
    "INSERT INTO log_head VALUES (0, 7, 1000)",
    "CREATE TABLE touched (at BIGINT NOT NULL PRIMARY KEY, prior BIGINT NOT NULL, told TEXT NOT NULL)",
];

/// A database in which transactions told so many bytes each, at the times 1, 2 and so on.
fn told(database: &TestDatabase, sizes: &[usize]) -> Conn {
    let mut conn = open_writer(&database.url).unwrap();
    for statement in SCHEMA {
        execute(&mut conn, statement, &[]).unwrap();
    }
    for (prior, size) in (0..).zip(sizes) {
        // Two bytes a character.
        let told = "\u{e9}".repeat(size / 2);
        let binds = [Value::Int(prior + 1), Value::Int(prior), Value::MaybeText(Some(told.as_str()))];
        execute(&mut conn, "INSERT INTO touched (at, prior, told) VALUES (?, ?, ?)", &binds).unwrap();
    }
    conn
}

/// Look after look, each after the last row of the one before.
fn looks(conn: &mut Conn) -> Vec<News> {
    let mut looks: Vec<News> = Vec::new();
    loop {
        let after = looks.last().map_or(Micros::new(0), |look| look.touches.last().unwrap().at);
        looks.push(news(conn, after).unwrap());
        if looks.last().unwrap().whole {
            return looks;
        }
    }
}

fn times(look: &News) -> Vec<i64> {
    look.touches.iter().map(|touch| touch.at.get()).collect()
}

shared::on_both_databases!(
    a_look_brings_no_more_than_its_bytes,
    a_row_that_is_larger_comes_alone,
    a_look_brings_no_more_than_its_rows,
    where_there_is_nothing_the_head_is_told,
);

async fn a_look_brings_no_more_than_its_bytes(make: fn() -> TestDatabase) {
    let (database, most) = (make(), usize::try_from(NEWS_BYTES_MAX).unwrap());
    let mut conn = told(&database, &[most / 4; 10]);
    let looks = looks(&mut conn);
    let brought: Vec<Vec<i64>> = looks.iter().map(times).collect();
    assert_eq!(brought, [vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![9, 10]]);
    for look in &looks {
        assert_eq!((look.head.seq, look.head.at.get()), (7, 1000));
        assert!(look.touches.iter().map(|touch| touch.told.len()).sum::<usize>() <= most);
    }
}

async fn a_row_that_is_larger_comes_alone(make: fn() -> TestDatabase) {
    let (database, most) = (make(), usize::try_from(NEWS_BYTES_MAX).unwrap());
    let mut conn = told(&database, &[2, 2 * most, 0, most, 2]);
    let brought: Vec<Vec<i64>> = looks(&mut conn).iter().map(times).collect();
    assert_eq!(brought, [vec![1], vec![2], vec![3, 4], vec![5]]);
}

async fn a_look_brings_no_more_than_its_rows(make: fn() -> TestDatabase) {
    let database = make();
    let mut conn = told(&database, &[0; 150]);
    let looks = looks(&mut conn);
    assert_eq!(looks.iter().map(|look| look.touches.len()).collect::<Vec<_>>(), [64, 64, 22]);
    let brought: Vec<i64> = looks.iter().flat_map(times).collect();
    assert_eq!(brought, (1..=150).collect::<Vec<i64>>());
}

async fn where_there_is_nothing_the_head_is_told(make: fn() -> TestDatabase) {
    let database = make();
    let look = news(&mut told(&database, &[]), Micros::new(0)).unwrap();
    assert_eq!((look.head.seq, look.touches.len(), look.whole), (7, 0, true));
}
