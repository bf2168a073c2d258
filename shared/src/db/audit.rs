//! Recounting: each rule that can be checked from the tables, as statements that find what breaks it.

use diesel::sql_types::BigInt;

use super::{Conn, StoreError, in_snapshot, query, without_time_limit};

/// What one rule's check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule, in words.
    pub rule: &'static str,
    /// How many rows break it.
    pub drift: i64,
}

/// A rule, and a statement that selects the rows that break it. Neighbours with the same rule are one
/// finding.
pub type Check = (&'static str, &'static str);

/// What holds for the log of every service.
pub const LOG_CHECK: Check = (
    "the log is contiguous up to its head",
    "SELECT seq FROM log_head WHERE seq <> (SELECT COALESCE(MAX(seq), 0) FROM events)
        OR (SELECT COUNT(*) FROM events) <> (SELECT COALESCE(MAX(seq) - MIN(seq) + 1, 0) FROM events)",
);

/// Runs `work` on one moment of the database. Nothing is locked, so it may run beside the service.
pub fn at_one_moment<T>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    in_snapshot(conn, |conn| without_time_limit(conn).and_then(|()| work(conn)))
}

/// Checks the rules.
pub fn check_all(conn: &mut Conn, checks: &[Check]) -> Result<Vec<Finding>, StoreError> {
    let mut findings: Vec<Finding> = Vec::new();
    for &(rule, rows) in checks {
        let drift = count(conn, rows)?;
        match findings.last_mut().filter(|finding| finding.rule == rule) {
            Some(finding) => finding.drift += drift,
            None => findings.push(Finding { rule, drift }),
        }
    }
    Ok(findings)
}

/// How many rows a statement selects.
pub fn count(conn: &mut Conn, rows: &str) -> Result<i64, StoreError> {
    let counted: Vec<i64> =
        query::<BigInt, _>(conn, &format!("SELECT COUNT(*) FROM ({rows}) AS found"), &[])?;
    Ok(counted.first().copied().unwrap_or_default())
}
