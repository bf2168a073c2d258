//! Counters: read as they stand, changed by differences in the transaction of the edges.

use std::collections::HashMap;

use diesel::prelude::*;
use shared::db::{Conn, StoreError, chunks, execute};
use shared::id::UserId;
use shared::on_backend;

use super::graph::{Told, Transaction};
use super::pair::int_binds;
use super::rows_of_binds;
use super::schema::counters;
use crate::domain::CountDelta;

type Row = (i64, i64, i64, i64, i64, i64, i64);

/// The counters of `users`; one who has never had an edge is not in the map, and has zero of each.
pub fn counts(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, CountDelta>, StoreError> {
    let mut found = HashMap::with_capacity(users.len());
    for piece in chunks(users) {
        let wanted = counters::table.filter(counters::user_id.eq_any(piece.iter().map(|user| user.get())));
        let rows: Vec<Row> = on_backend!(conn, |c| wanted.load(c))?;
        found.extend(rows.into_iter().map(|row| (UserId::new(row.0), counts_of(row))));
    }
    Ok(found)
}

fn counts_of(
    (_, followers, following, friends, requests_received, requests_sent, blocks): Row,
) -> CountDelta {
    CountDelta { followers, following, friends, requests_received, requests_sent, blocks }
}

/// Adds the differences, one row a user: a thousand follows of one person are one change of one row.
///
/// In two steps, because a new row that carries a negative difference would be refused by the check
/// even where the row exists: first zeros for those who have no row, then the differences.
pub fn add(tx: &mut Transaction<'_>, deltas: &HashMap<UserId, CountDelta>) -> Result<(), StoreError> {
    let mut rows: Vec<[i64; 7]> = deltas
        .iter()
        .filter(|(_, delta)| !delta.is_zero())
        .map(|(user, d)| {
            [user.get(), d.followers, d.following, d.friends, d.requests_received, d.requests_sent, d.blocks]
        })
        .collect();
    // In one order on every instance, so that two never wait for each other.
    rows.sort_unstable();
    for piece in chunks(&rows) {
        insert_missing(tx.conn, piece)?;
        let text = format!(
            "UPDATE counters SET
                followers = followers + v.column2, following = following + v.column3,
                friends = friends + v.column4, requests_received = requests_received + v.column5,
                requests_sent = requests_sent + v.column6, blocks = blocks + v.column7
             FROM (VALUES {}) AS v WHERE user_id = v.column1",
            rows_of_binds(piece.len(), 7)
        );
        execute(tx.conn, &text, &int_binds(piece))?;
    }
    tx.tell(|| Told::Counts(deltas.clone()));
    Ok(())
}

fn insert_missing(conn: &mut Conn, rows: &[[i64; 7]]) -> Result<(), StoreError> {
    let users: Vec<[i64; 1]> = rows.iter().map(|row| [row[0]]).collect();
    let text = format!(
        "INSERT INTO counters (user_id, followers, following, friends, requests_received, requests_sent, blocks)
         VALUES {} ON CONFLICT (user_id) DO NOTHING",
        vec!["(?,0,0,0,0,0,0)"; users.len()].join(",")
    );
    execute(conn, &text, &int_binds(&users)).map(drop)
}
