//! What each transaction changed of what processes remember, for those that did not make it: a short-lived chain of rows,
//! each of which names the head's time before it. So whoever keeps up knows whether something is missing.

use diesel::sql_types::{BigInt, Nullable, Text};

use super::log::Head;
use super::{Conn, StoreError, Value, execute, query};
use crate::clock::Micros;

/// Where a commit is announced.
pub const CHANNEL: &str = "mutual_log";
/// Rows that one look brings at the most.
const ROWS_MAX: i64 = 64;
/// Bytes of what they tell that one look brings at the most, unless the first row alone has more.
pub const NEWS_BYTES_MAX: i64 = 4 << 20;
/// Rows that one step forgets at the most: readers wait meanwhile.
const FORGOTTEN_AT_ONCE: i64 = 2_000;
/// A batch that tells more bytes than this tells only that everything may be different.
const TOLD_BYTES_MAX: usize = 1 << 20;

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The head's time after it.
    pub at: Micros,
    /// The head's time before it.
    pub prior: Micros,
    /// What it changed; empty for anything.
    pub told: String,
}

/// What a look finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// After which time was looked.
    pub after: Micros,
    /// The head.
    pub head: Head,
    /// The transactions after the time that was asked for, in order.
    pub touches: Vec<Touch>,
    /// Whether these are all that there are.
    pub whole: bool,
}

/// Notes what a transaction changed, and announces it with its commit.
pub fn note(conn: &mut Conn, before: Head, after: Head, told: &str) -> Result<(), StoreError> {
    let told = if told.len() > TOLD_BYTES_MAX { "" } else { told };
    // The announcement rides along: one way to the server for both.
    let text = format!(
        "WITH noted AS (INSERT INTO touched (at, prior, told) VALUES (?, ?, ?))
         SELECT 1::BIGINT FROM pg_notify('{CHANNEL}', (?::BIGINT)::TEXT)"
    );
    let at = Value::Int(after.at.get());
    let binds = [at, Value::Int(before.at.get()), Value::MaybeText(Some(told)), at];
    query::<BigInt, i64>(conn, &text, &binds).map(drop)
}

/// The head, and the transactions after the time `after`, as of one moment: at least one if there is any, and no more than
/// the bounds let through.
pub fn news(conn: &mut Conn, after: Micros) -> Result<News, StoreError> {
    // `through` is what a row tells together with those before it, `found` how many rows there are within their bound.
    let text = "SELECT h.seq, h.at, t.found, t.at, t.prior, t.told FROM log_head h
        LEFT JOIN (SELECT at, prior, told, octet_length(told) AS own,
                SUM(octet_length(told)) OVER (ORDER BY at) AS through, COUNT(*) OVER () AS found
            FROM (SELECT at, prior, told FROM touched WHERE at > ? ORDER BY at LIMIT ?) newer
        ) t ON t.through <= ? OR t.through = t.own
        WHERE h.partition = 0 ORDER BY t.at";
    type Row = (i64, i64, Option<i64>, Option<i64>, Option<i64>, Option<String>);
    type Types = (BigInt, BigInt, Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>, Nullable<Text>);
    let binds = [after.get(), ROWS_MAX, NEWS_BYTES_MAX].map(Value::Int);
    let rows: Vec<Row> = query::<Types, _>(conn, text, &binds)?;
    let (seq, at, found, ..) =
        rows.first().ok_or_else(|| StoreError::Unreadable("the log has no head".into()))?;
    let (head, found) = (Head { seq: *seq, at: Micros::new(*at) }, found.unwrap_or(0));
    let touch = |(_, _, _, at, prior, told): Row| {
        Some(Touch { at: Micros::new(at?), prior: Micros::new(prior?), told: told? })
    };
    let touches: Vec<Touch> = rows.into_iter().filter_map(touch).collect();
    let whole = found < ROWS_MAX && i64::try_from(touches.len()).is_ok_and(|brought| brought == found);
    Ok(News { after, head, touches, whole })
}

/// Forgets transactions before the time `before`, at most some. Who has not taken them in starts anew.
pub fn forget(conn: &mut Conn, before: Micros) -> Result<usize, StoreError> {
    let text = "DELETE FROM touched
        WHERE at IN (SELECT at FROM touched WHERE at < ? ORDER BY at LIMIT ?)";
    execute(conn, text, &[before.get(), FORGOTTEN_AT_ONCE].map(Value::Int))
}

/// Forgets all of them: who begins as the only one that writes tells nobody any more.
pub fn forget_all(conn: &mut Conn) -> Result<(), StoreError> {
    let text = match conn {
        // What came with the tables of a server.
        Conn::Sqlite(_) => "DELETE FROM touched",
        Conn::Postgres(_) => "TRUNCATE touched",
    };
    execute(conn, text, &[]).map(drop)
}
