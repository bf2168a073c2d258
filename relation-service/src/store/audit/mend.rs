//! Making anew what is derived: from the edges by source, which are the truth about pairs.

use diesel::sql_types::BigInt;
use shared::db::{Conn, StoreError, Value, execute, prefer_indexes, query};

use super::checks::{CHECKS, Cure, EXTRA_BY_TARGET, MISSING_BY_TARGET, Mend};
use super::recount::RECOUNTED;
use super::walk::{statement, statements};
use super::{Held, Row, Slice, user};
use crate::store::graph::{Told, Transaction};
use crate::store::sweep::{self, Kind};

/// A row that was made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mended {
    /// Why.
    pub mend: Mend,
    /// What was done, in words.
    pub what: &'static str,
    /// Whose row: a person and another, or a person twice.
    pub row: Row,
}

const ADDED: &str = "added to the edges by target";
const REMOVED: &str = "removed from the edges by target";
const TOLD: &str = "told of the follow in the other direction";
const RECOUNT: &str = "recounted";
const UNMARKED: &str = "no longer a close friend";
const COUNTING: &str = "a sweep begins that hides or shows them in the counters of others";
const ACCEPTING: &str = "a sweep begins that accepts the requests to them";

/// Makes at most about `limit` rows of a slice anew, inside the writer's transaction.
pub fn mend(
    tx: &mut Transaction<'_>,
    mend: Mend,
    slice: Slice,
    limit: i64,
) -> Result<Vec<Mended>, StoreError> {
    prefer_indexes(tx.conn)?;
    let check = CHECKS.iter().find(|check| check.cure == Cure::Mend(mend));
    let mut mended = Vec::new();
    for text in check.map(statements).unwrap_or_default() {
        let (found, binds) = statement(text, slice, Held::ANY);
        let rows: Vec<Row> =
            query::<(BigInt, BigInt), _>(tx.conn, &format!("{found} LIMIT {limit}"), &binds)?;
        for row in rows {
            let what = mend_row(tx, mend, text, row)?;
            tx.tell(|| Told::Rows(vec![user(row.0), user(row.1)]));
            mended.push(Mended { mend, what, row });
        }
    }
    Ok(mended)
}

fn mend_row(
    tx: &mut Transaction<'_>,
    mend: Mend,
    found_by: &str,
    row: Row,
) -> Result<&'static str, StoreError> {
    let binds = [Value::Int(row.0), Value::Int(row.1)];
    let conn = &mut *tx.conn;
    match mend {
        Mend::ByTarget if found_by == MISSING_BY_TARGET => {
            let text = "INSERT INTO edges_in (target, state, neg_since, source)
                SELECT target, state, -since, source FROM edges_out WHERE source = ? AND target = ?";
            execute(conn, text, &binds)?;
            Ok(ADDED)
        }
        Mend::ByTarget => {
            debug_assert_eq!(found_by, EXTRA_BY_TARGET);
            let text = "DELETE FROM edges_in WHERE source = ? AND target = ? AND NOT EXISTS (
                SELECT 1 FROM edges_out WHERE edges_out.source = edges_in.source
                    AND edges_out.target = edges_in.target AND edges_out.state = edges_in.state
                    AND edges_out.since = -edges_in.neg_since)";
            execute(conn, text, &binds)?;
            Ok(REMOVED)
        }
        Mend::BackSince => {
            let text = "UPDATE edges_out SET back_since = COALESCE((
                    SELECT back.since FROM edges_out back WHERE back.source = edges_out.target
                        AND back.target = edges_out.source AND back.state = 1), 0)
                WHERE source = ? AND target = ?";
            execute(conn, text, &binds)?;
            Ok(TOLD)
        }
        Mend::Counters => recount(conn, row.0).map(|()| RECOUNT),
        Mend::CloseFriends => {
            execute(conn, "DELETE FROM close_friends WHERE user_id = ? AND target = ?", &binds)?;
            Ok(UNMARKED)
        }
        Mend::Shadows => sweep::begin(tx, user(row.0), Kind::Count).map(|()| COUNTING),
        Mend::Requests => sweep::begin(tx, user(row.0), Kind::AcceptReceived).map(|()| ACCEPTING),
    }
}

/// Puts a person's counters as the edges say.
fn recount(conn: &mut Conn, person: i64) -> Result<(), StoreError> {
    let zeros = "INSERT INTO counters (user_id, followers, following, friends, requests_received, requests_sent, blocks)
        VALUES (?, 0, 0, 0, 0, 0, 0) ON CONFLICT (user_id) DO NOTHING";
    execute(conn, zeros, &[person.into()])?;
    let [received, held] = RECOUNTED;
    for (counted, columns) in [
        (received, &["followers", "requests_received"][..]),
        (held, &["following", "friends", "requests_sent", "blocks"]),
    ] {
        // One pass for all columns; who has no edges is no row, so that the greatest of none is nought.
        let counts: Vec<String> =
            columns.iter().map(|column| format!("COALESCE(MAX({column}), 0)")).collect();
        let text = format!(
            "UPDATE counters SET ({}) = (SELECT {} FROM ({counted}) AS recounted) WHERE user_id = ?",
            columns.join(", "),
            counts.join(", ")
        );
        execute(conn, &text, &[person - 1, person, person].map(Value::Int))?;
    }
    Ok(())
}
