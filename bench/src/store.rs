//! How large the tables of an embedded database are.

use std::path::Path;

use diesel::sql_types::{BigInt, Text};
use shared::db::{DatabaseUrl, StoreError, open_reader, query};

/// Bytes of the pages of each table and index, largest first.
pub fn table_sizes(file: &Path) -> Result<Vec<(String, u64)>, StoreError> {
    let mut conn = open_reader(&DatabaseUrl::sqlite(file))?;
    let text = "SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE ORDER BY pgsize DESC";
    let rows: Vec<(String, i64)> = query::<(Text, BigInt), _>(&mut conn, text, &[])?;
    Ok(rows.into_iter().map(|(name, bytes)| (name, u64::try_from(bytes).unwrap_or(0))).collect())
}
