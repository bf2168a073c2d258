//! Named requests as rows.

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, execute};
use shared::id::UserId;
use shared::on_backend;

use super::schema::idempotency_keys;
use crate::domain::idempotency::KeyedRequest;
use crate::domain::refresh_token::SessionNonce;

/// Rows that one new key removes at the most: more than it adds, so that they never pile up.
const FORGOTTEN_AT_ONCE: i64 = 8;

/// What was made when a named request was first answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Stands for the body that the request had.
    pub body_digest: String,
    /// What was made.
    pub made: Made,
}

/// Something that a request made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// Whose it is.
    pub user: UserId,
    /// Tells it apart from all that this person has of the kind: the id of a session, or when it was begun.
    pub id: i64,
    /// For a session: what its first tokens are made from, whatever became of it since.
    pub begun: Option<Begun>,
}

/// How a session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// Part of its refresh tokens.
    pub nonce: SessionNonce,
    /// When.
    pub at: Micros,
}

type Row = (String, i64, i64, Option<String>, Option<i64>);

/// What the request of this slot made, unless its time is over.
pub fn answered(conn: &mut Conn, slot: &str, now: Micros) -> Result<Option<Answered>, StoreError> {
    let wanted =
        idempotency_keys::table.find(slot).filter(idempotency_keys::expires_at.gt(now.get())).select((
            idempotency_keys::body_digest,
            idempotency_keys::user_id,
            idempotency_keys::made,
            idempotency_keys::nonce,
            idempotency_keys::made_at,
        ));
    let row: Option<Row> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    Ok(row.map(|(body_digest, user, id, nonce, made_at)| {
        let nonce = nonce.as_deref().and_then(SessionNonce::from_text);
        let begun = nonce.zip(made_at).map(|(nonce, at)| Begun { nonce, at: Micros::new(at) });
        Answered { body_digest, made: Made { user: UserId::new(user), id, begun } }
    }))
}

/// Remembers what a request made until `until`, in place of what the slot held before.
pub fn remember(
    conn: &mut Conn,
    request: &KeyedRequest,
    made: Made,
    until: Micros,
) -> Result<(), StoreError> {
    let text = "INSERT INTO idempotency_keys (slot, body_digest, user_id, made, expires_at, nonce, made_at)
        VALUES (?,?,?,?,?,?,?) ON CONFLICT (slot) DO UPDATE SET body_digest = excluded.body_digest,
        user_id = excluded.user_id, made = excluded.made, expires_at = excluded.expires_at,
        nonce = excluded.nonce, made_at = excluded.made_at";
    let nonce = made.begun.map(|begun| begun.nonce.to_text());
    let binds = [
        request.slot.as_str().into(),
        request.body_digest.as_str().into(),
        made.user.get().into(),
        made.id.into(),
        until.get().into(),
        Value::MaybeText(nonce.as_deref()),
        Value::MaybeInt(made.begun.map(|begun| begun.at.get())),
    ];
    execute(conn, text, &binds)?;
    Ok(())
}

/// Removes a few of those whose time is over. Returns how many.
pub fn forget_expired(conn: &mut Conn, now: Micros) -> Result<usize, StoreError> {
    let over = idempotency_keys::table
        .filter(idempotency_keys::expires_at.le(now.get()))
        .order(idempotency_keys::expires_at.asc())
        .limit(FORGOTTEN_AT_ONCE)
        .select(idempotency_keys::slot);
    let slots: Vec<String> = on_backend!(conn, |c| over.load(c))?;
    if slots.is_empty() {
        return Ok(0);
    }
    let rows = idempotency_keys::table.filter(idempotency_keys::slot.eq_any(&slots));
    Ok(on_backend!(conn, |c| diesel::delete(rows).execute(c))?)
}
