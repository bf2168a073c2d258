//! Whole tables from one database into another, of either kind, and the mark of one that is not whole yet.
//!
//! The mark is a row of the log's head with a number that no partition has. It is there from before the first row is
//! copied until all is compared, and [`super::migrate`] refuses a database that has it: so no service starts on half a
//! database, wherever the copying stops.

use std::hash::{DefaultHasher, Hash, Hasher};

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};

use super::catalog::{Column, Kind, MIGRATIONS, Table};
use super::log::{Head, head};
use super::{
    Conn, StoreError, Value, begin_snapshot, begin_write, chunks, end_write, execute, query,
    without_time_limit,
};
use crate::clock::Micros;

/// Rows that are read, and written in one transaction, at a time.
const ROWS_AT_ONCE: i64 = 4_096;
/// The table that holds the mark.
const HEAD: &str = "log_head";
/// Of a database that is being filled.
const FILLING: i64 = -1;
/// Of one that is whole and compared, and waits for its sibling.
const WHOLE: i64 = -2;

/// What a database is, to somebody who wants to fill it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was ever written to it.
    Empty,
    /// A copy into it was stopped on the way.
    Filling,
    /// A copy into it was compared, and stopped just before its end.
    Whole,
    /// It is in use.
    Used,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Cell {
    Int(Option<i64>),
    Text(Option<String>),
}

type Row = Vec<Cell>;

/// What the rows of a table add up to, in whatever order they are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest {
    /// How many there are.
    pub rows: u64,
    sum: u64,
}

impl Digest {
    fn add(&mut self, row: &Row) {
        // Its keys are fixed: the same row has the same hash, in each place that it is read from.
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }
}

/// Refuses a database that is only half filled.
pub fn refuse_unfinished(conn: &mut Conn) -> Result<(), StoreError> {
    if mark(conn)?.is_none() {
        return Ok(());
    }
    Err(StoreError::Unavailable(
        "it is only half filled: a move of data into it did not end. Run `mutual migrate-store` again"
            .to_owned(),
    ))
}

fn mark(conn: &mut Conn) -> Result<Option<i64>, StoreError> {
    let text = "SELECT CAST(partition AS BIGINT) FROM log_head WHERE partition < ?";
    Ok(query::<BigInt, i64>(conn, text, &[Value::Int(0)])?.first().copied())
}

/// What the database is, as its tables show.
pub fn stage(conn: &mut Conn, all: &[Table]) -> Result<Stage, StoreError> {
    match mark(conn)? {
        Some(WHOLE) => return Ok(Stage::Whole),
        Some(_) => return Ok(Stage::Filling),
        None => {}
    }
    if head(conn)? != (Head { seq: 0, at: Micros::new(0) }) {
        return Ok(Stage::Used);
    }
    for table in all.iter().filter(|table| table.name != HEAD && !is_bookkeeping(table)) {
        let text = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {} LIMIT 1) AS found", table.name);
        if query::<BigInt, i64>(conn, &text, &[])? != [0] {
            return Ok(Stage::Used);
        }
    }
    Ok(Stage::Empty)
}

/// A table with one row about the database itself, which the making of the schema writes.
fn is_bookkeeping(table: &Table) -> bool {
    matches!(table.key[..], [at] if table.columns[at].name == "partition")
}

/// The versions of the schema that were applied, in order.
pub fn schema_versions(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    let text = format!("SELECT CAST(version AS TEXT) FROM {MIGRATIONS}");
    let mut versions: Vec<String> = query::<Text, _>(conn, &text, &[])?;
    versions.sort_unstable();
    Ok(versions)
}

/// How many other clients are connected to a server's database; nothing for an embedded one, which has an owner.
pub fn others_connected(conn: &mut Conn) -> Result<i64, StoreError> {
    let Conn::Postgres(_) = conn else { return Ok(0) };
    let text = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    Ok(query::<BigInt, i64>(conn, text, &[])?.first().copied().unwrap_or_default())
}

/// Begins a transaction that reads everything as of one moment and keeps all who would write waiting, until it is ended
/// with [`end_write`].
pub fn begin_frozen(conn: &mut Conn) -> Result<(), StoreError> {
    without_time_limit(conn)?;
    if let Conn::Sqlite(_) = conn {
        return begin_write(conn);
    }
    execute(conn, "SET idle_in_transaction_session_timeout = 0", &[])?;
    begin_snapshot(conn)?;
    // Before the first row is read, as the moment is that of the first row.
    execute(conn, "LOCK TABLE log_head IN EXCLUSIVE MODE", &[]).map(drop)
}

/// Empties the tables and marks the database as one that is being filled from a log with this head. False, and nothing
/// is changed, where somebody uses it.
pub fn begin(conn: &mut Conn, all: &[Table], source: Head) -> Result<bool, StoreError> {
    without_time_limit(conn)?;
    in_transaction(conn, |conn| {
        // Whoever writes has ended before this, and whoever starts after it waits here and finds the mark.
        if let Conn::Postgres(_) = conn {
            execute(conn, "LOCK TABLE log_head IN ACCESS EXCLUSIVE MODE", &[])?;
        }
        if stage(conn, all)? == Stage::Used || others_connected(conn)? > 0 {
            return Ok(false);
        }
        match conn {
            Conn::Sqlite(_) => {
                for table in all {
                    execute(conn, &format!("DELETE FROM {}", table.name), &[])?;
                }
            }
            Conn::Postgres(_) => {
                let names: Vec<&str> = all.iter().map(|table| table.name.as_str()).collect();
                execute(conn, &format!("TRUNCATE {}", names.join(", ")), &[])?;
            }
        }
        // With the number that the log will end with, so that to the audit it is like the head.
        let binds = [FILLING, source.seq, source.at.get()].map(Value::Int);
        execute(conn, "INSERT INTO log_head (partition, seq, at) VALUES (?, ?, ?)", &binds)?;
        Ok(true)
    })
}

/// Says that the database is whole.
pub fn mark_whole(conn: &mut Conn) -> Result<(), StoreError> {
    let text = "UPDATE log_head SET partition = ? WHERE partition = ?";
    execute(conn, text, &[Value::Int(WHOLE), Value::Int(FILLING)]).map(drop)
}

/// Takes the mark away: from now on services may start on the database.
pub fn release(conn: &mut Conn) -> Result<(), StoreError> {
    execute(conn, "DELETE FROM log_head WHERE partition < ?", &[Value::Int(0)]).map(drop)
}

/// How many rows a table has.
pub fn count(conn: &mut Conn, table: &Table) -> Result<u64, StoreError> {
    let text = format!("SELECT COUNT(*) FROM {}", table.name);
    let counted: Vec<i64> = query::<BigInt, _>(conn, &text, &[])?;
    Ok(counted.first().copied().and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

/// Copies a table, page by page, each in a transaction of its own. `progress` is told of each page.
pub fn copy(
    source: &mut Conn,
    target: &mut Conn,
    table: &Table,
    mut progress: impl FnMut(u64),
) -> Result<Digest, StoreError> {
    each_page(source, table, |rows| {
        in_transaction(target, |conn| insert(conn, table, rows))?;
        progress(u64::try_from(rows.len()).unwrap_or_default());
        Ok(())
    })
}

/// What the rows of a table add up to.
pub fn digest(conn: &mut Conn, table: &Table) -> Result<Digest, StoreError> {
    each_page(conn, table, |_| Ok(()))
}

/// Has a server look at what it holds now, by which it plans.
pub fn analyze(conn: &mut Conn) -> Result<(), StoreError> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => Ok(c.batch_execute("ANALYZE")?),
    }
}

fn in_transaction<T>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    begin_write(conn)?;
    let done = work(conn);
    let ended = end_write(conn, done.is_ok());
    // Where a statement failed, that is what is told.
    done.and_then(|done| ended.map(|()| done))
}

fn each_page(
    conn: &mut Conn,
    table: &Table,
    mut visit: impl FnMut(&[Row]) -> Result<(), StoreError>,
) -> Result<Digest, StoreError> {
    let mut digest = Digest::default();
    let mut last: Option<Row> = None;
    loop {
        let rows = page(conn, table, last.as_ref())?;
        rows.iter().for_each(|row| digest.add(row));
        visit(&rows)?;
        match rows.into_iter().last() {
            Some(row) => last = Some(row),
            None => return Ok(digest),
        }
    }
}

/// The rows after `last`, in the order of the key, without the mark.
fn page(conn: &mut Conn, table: &Table, last: Option<&Row>) -> Result<Vec<Row>, StoreError> {
    let columns = names(table, 0..table.columns.len());
    let key = names(table, table.key.iter().copied());
    // One text for a row of any shape, in which both databases write numbers in full.
    let row = match conn {
        Conn::Sqlite(_) => format!("json_array({columns})"),
        Conn::Postgres(_) => format!("json_build_array({columns})::text"),
    };
    let mut conditions: Vec<String> = Vec::new();
    let mut binds: Vec<Value<'_>> = Vec::new();
    if table.name == HEAD {
        conditions.push("partition >= 0".to_owned());
    }
    if let Some(last) = last {
        conditions.push(format!("({key}) > ({})", vec!["?"; table.key.len()].join(",")));
        binds.extend(table.key.iter().map(|&at| bind(&last[at])));
    }
    let filter =
        if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    binds.push(Value::Int(ROWS_AT_ONCE));
    let text = format!("SELECT {row} FROM {} {filter} ORDER BY {key} LIMIT ?", table.name);
    let rows: Vec<String> = query::<Text, _>(conn, &text, &binds)?;
    rows.iter().map(|row| cells(table, row)).collect()
}

fn cells(table: &Table, text: &str) -> Result<Row, StoreError> {
    let unreadable = || StoreError::Unreadable(format!("a row of {} has another shape", table.name));
    let values: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|_| unreadable())?;
    if values.len() != table.columns.len() {
        return Err(unreadable());
    }
    let cell = |(column, value): (&Column, serde_json::Value)| match (column.kind, value) {
        (Kind::Int, serde_json::Value::Null) => Ok(Cell::Int(None)),
        (Kind::Int, value) => value.as_i64().map(|number| Cell::Int(Some(number))).ok_or_else(unreadable),
        (Kind::Text, serde_json::Value::Null) => Ok(Cell::Text(None)),
        (Kind::Text, serde_json::Value::String(text)) => Ok(Cell::Text(Some(text))),
        (Kind::Text, _) => Err(unreadable()),
    };
    table.columns.iter().zip(values).map(cell).collect()
}

fn insert(conn: &mut Conn, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
    let columns = names(table, 0..table.columns.len());
    let row = format!("({})", vec!["?"; table.columns.len()].join(","));
    for piece in chunks(rows) {
        let values = vec![row.as_str(); piece.len()].join(",");
        let text = format!("INSERT INTO {} ({columns}) VALUES {values}", table.name);
        let binds: Vec<Value<'_>> = piece.iter().flatten().map(bind).collect();
        execute(conn, &text, &binds)?;
    }
    Ok(())
}

fn bind(cell: &Cell) -> Value<'_> {
    match cell {
        Cell::Int(value) => Value::MaybeInt(*value),
        Cell::Text(value) => Value::MaybeText(value.as_deref()),
    }
}

/// The names of columns, quoted: some are words of SQL.
fn names(table: &Table, which: impl IntoIterator<Item = usize>) -> String {
    let quoted: Vec<String> = which.into_iter().map(|at| format!("\"{}\"", table.columns[at].name)).collect();
    quoted.join(",")
}
