//! How the database finds what is asked: through an index, or by reading everything.

use std::sync::{Arc, Mutex};

use diesel::Connection;
use diesel::connection::InstrumentationEvent;
use diesel::sql_types::{BigInt, Text};

use crate::db::{Conn, StoreError, Value, execute, query};

/// Runs `read` and looks at how the database did it: panics if it goes through a whole table or, on Postgres, reads more
/// than `rows_max` rows of `table`.
pub fn reads_little(
    conn: &mut Conn,
    table: &str,
    rows_max: i64,
    what: &str,
    read: impl Fn(&mut Conn) -> Result<usize, StoreError>,
) {
    match conn {
        Conn::Postgres(_) => {
            execute(conn, "BEGIN", &[]).expect("a statement");
            let [scanned, fetched] = rows_read(conn, table);
            read(conn).expect("a statement");
            let after = rows_read(conn, table);
            execute(conn, "ROLLBACK", &[]).expect("a statement");
            assert_eq!(after[0], scanned, "{what}: a scan");
            assert!(after[1] - fetched <= rows_max, "{what}: {} rows", after[1] - fetched);
        }
        Conn::Sqlite(_) => {
            for text in statements(conn, read) {
                let binds = vec![Value::Int(1); text.matches('?').count()];
                let plan = query::<(BigInt, BigInt, BigInt, Text), (i64, i64, i64, String)>(
                    conn,
                    &format!("EXPLAIN QUERY PLAN {text}"),
                    &binds,
                );
                for (.., step) in plan.expect("a statement") {
                    let is_bad = step.starts_with("SCAN") || step.contains("TEMP B-TREE");
                    assert!(!is_bad, "{what}: {step}\n{text}");
                }
            }
        }
    }
}

/// Rows of a table that this connection has read one after the other, and by an index.
fn rows_read(conn: &mut Conn, table: &str) -> [i64; 2] {
    let text = "SELECT COALESCE(seq_tup_read, 0), COALESCE(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
        WHERE relname = ?";
    let rows: Vec<(i64, i64)> =
        query::<(BigInt, BigInt), _>(conn, text, &[table.into()]).expect("a statement");
    rows.first().map_or([0, 0], |&(scanned, fetched)| [scanned, fetched])
}

/// The statements that `read` runs.
fn statements(conn: &mut Conn, read: impl Fn(&mut Conn) -> Result<usize, StoreError>) -> Vec<String> {
    let texts = Arc::new(Mutex::new(Vec::new()));
    let Conn::Sqlite(inner) = conn else { unreachable!("for SQLite") };
    let told = texts.clone();
    inner.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let whole = query.to_string();
            let text = whole.split(" -- binds:").next().unwrap_or_default();
            told.lock().expect("one thread").push(text.to_owned());
        }
    });
    read(conn).expect("a statement");
    let Conn::Sqlite(inner) = conn else { unreachable!("for SQLite") };
    inner.set_instrumentation(|_: InstrumentationEvent<'_>| ());
    let found = std::mem::take(&mut *texts.lock().expect("one thread"));
    assert!(!found.is_empty());
    found
}
