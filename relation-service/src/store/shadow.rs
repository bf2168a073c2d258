//! How far the edges of hidden people have been taken out of counters, and which edges are next.

use std::cmp::Reverse;
use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt};
use diesel::upsert::excluded;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, chunks, query};
use shared::id::UserId;
use shared::on_backend;

use super::pair::REQUEST;
use super::schema::shadows;
use crate::domain::{Place, Shadow};

/// In which direction a sweep goes through edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Those after a place.
    Onward,
    /// Those up to a place, the last first.
    Back,
}

impl Way {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Onward => (">", "ASC"),
            Self::Back => ("<=", "DESC"),
        }
    }
}

/// The shadows of `users`; who is not in the map has none.
pub fn shadows(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, Shadow>, StoreError> {
    let mut found = HashMap::new();
    for piece in chunks(users) {
        let text = format!(
            "SELECT user_id, in_state, in_neg_since, in_source, out_target FROM shadows WHERE user_id IN ({})",
            vec!["?"; piece.len()].join(",")
        );
        let binds: Vec<Value<'_>> = piece.iter().map(|user| Value::Int(user.get())).collect();
        let rows: Vec<(i64, i16, i64, i64, i64)> =
            query::<(BigInt, SmallInt, BigInt, BigInt, BigInt), _>(conn, &text, &binds)?;
        found.extend(rows.into_iter().map(|(user, rank, neg_since, source, target)| {
            let incoming = place((rank, neg_since, source));
            (UserId::new(user), Shadow { incoming, outgoing: UserId::new(target) })
        }));
    }
    Ok(found)
}

pub(super) fn place((rank, neg_since, source): (i16, i64, i64)) -> Place {
    Place { rank, since: Reverse(Micros::new(-neg_since)), source: UserId::new(source) }
}

/// Replaces a person's shadow.
pub fn put(conn: &mut Conn, user: UserId, shadow: Shadow) -> Result<(), StoreError> {
    if shadow == Shadow::NONE {
        on_backend!(conn, |c| diesel::delete(shadows::table.find(user.get())).execute(c))?;
        return Ok(());
    }
    let Shadow { incoming, outgoing } = shadow;
    on_backend!(conn, |c| diesel::insert_into(shadows::table)
        .values((
            shadows::user_id.eq(user.get()),
            shadows::in_state.eq(incoming.rank),
            shadows::in_neg_since.eq(-incoming.since.0.get()),
            shadows::in_source.eq(incoming.source.get()),
            shadows::out_target.eq(outgoing.get()),
        ))
        .on_conflict(shadows::user_id)
        .do_update()
        .set((
            shadows::in_state.eq(excluded(shadows::in_state)),
            shadows::in_neg_since.eq(excluded(shadows::in_neg_since)),
            shadows::in_source.eq(excluded(shadows::in_source)),
            shadows::out_target.eq(excluded(shadows::out_target)),
        ))
        .execute(c))?;
    Ok(())
}

/// At most `limit` follows of `user` and requests to them, from a place on.
pub fn incoming(
    conn: &mut Conn,
    user: UserId,
    from: Place,
    way: Way,
    limit: i64,
) -> Result<Vec<Place>, StoreError> {
    let (compare, direction) = way.words();
    let text = format!(
        "SELECT state, neg_since, source FROM edges_in
         WHERE target = ? AND (state, neg_since, source) {compare} (?, ?, ?) AND state <= ?
         ORDER BY state {direction}, neg_since {direction}, source {direction} LIMIT ?"
    );
    let binds = [user.get(), i64::from(from.rank), -from.since.0.get(), from.source.get(), REQUEST, limit];
    let rows = query::<(SmallInt, BigInt, BigInt), _>(conn, &text, &binds.map(Value::Int))?;
    Ok(rows.into_iter().map(place).collect())
}

/// At most `limit` people whom `user` follows or has asked, from a person on.
pub fn outgoing(
    conn: &mut Conn,
    user: UserId,
    from: UserId,
    way: Way,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let (compare, direction) = way.words();
    let text = format!(
        "SELECT target FROM edges_out WHERE source = ? AND target {compare} ? AND state <= ?
         ORDER BY target {direction} LIMIT ?"
    );
    let binds = [user.get(), from.get(), REQUEST, limit];
    let rows: Vec<i64> = query::<BigInt, _>(conn, &text, &binds.map(Value::Int))?;
    Ok(rows.into_iter().map(UserId::new).collect())
}
