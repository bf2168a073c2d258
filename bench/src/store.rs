//! What is asked of databases directly: how large tables are, and what they hold of some people.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use diesel::sql_types::{BigInt, Text};
use shared::db::{DatabaseUrl, StoreError, execute, open_reader, open_writer, query};

/// Bytes of the pages of each table and index, largest first.
pub fn table_sizes(file: &Path) -> Result<Vec<(String, u64)>, StoreError> {
    let mut conn = open_reader(&DatabaseUrl::sqlite(file))?;
    let text = "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE ORDER BY pgsize DESC";
    let rows: Vec<(String, i64)> = query::<(Text, BigInt), _>(&mut conn, text, &[])?;
    Ok(rows.into_iter().map(|(name, bytes)| (name, u64::try_from(bytes).unwrap_or(0))).collect())
}

/// What the tables say of some people, without any memory between.
#[derive(Debug, Default)]
pub struct Stored {
    /// What each holds towards others: 1 follow, 2 request, 3 block.
    pub edges: HashMap<(i64, i64), i64>,
    /// Whom each mutes.
    pub mutes: HashSet<(i64, i64)>,
}

/// What these people hold towards others.
pub fn stored(url: &DatabaseUrl, people: &[i64]) -> Result<Stored, StoreError> {
    let mut conn = open_reader(url)?;
    let people = list(people);
    let text =
        format!("SELECT source, target, CAST(state AS BIGINT) FROM edges_out WHERE source IN ({people})");
    let edges: Vec<(i64, i64, i64)> = query::<(BigInt, BigInt, BigInt), _>(&mut conn, &text, &[])?;
    let text = format!("SELECT user_id, target FROM mutes WHERE user_id IN ({people})");
    let mutes: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(&mut conn, &text, &[])?;
    let edges = edges.into_iter().map(|(source, target, state)| ((source, target), state)).collect();
    Ok(Stored { edges, mutes: mutes.into_iter().collect() })
}

/// The display names of these people.
pub fn display_names(url: &DatabaseUrl, people: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
    let mut conn = open_reader(url)?;
    let text = format!("SELECT id, display_name FROM users WHERE id IN ({})", list(people));
    let rows: Vec<(i64, String)> = query::<(BigInt, Text), _>(&mut conn, &text, &[])?;
    Ok(rows.into_iter().collect())
}

/// Takes a follow out of both tables behind everybody's back: what must not happen, so that it is seen to be noticed.
pub fn lose_follow(url: &DatabaseUrl, source: i64, target: i64) -> Result<(), StoreError> {
    let mut conn = open_writer(url)?;
    for table in ["edges_out", "edges_in"] {
        execute(
            &mut conn,
            &format!("DELETE FROM {table} WHERE source = {source} AND target = {target}"),
            &[],
        )?;
    }
    Ok(())
}

fn list(people: &[i64]) -> String {
    people.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}
