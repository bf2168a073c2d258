//! What mailed tokens are made from, as rows.

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, execute};
use shared::id::{SessionId, UserId};
use shared::on_backend;
use shared::secret::Secret;

use super::schema::mail_tokens;
use crate::domain::mail_token::{MailToken, Purpose};

/// Rows that one new token removes at the most: more than it adds, so that they never pile up.
const FORGOTTEN_AT_ONCE: i64 = 8;

type Row = (i64, String, String, i64, Option<i64>);

/// The token of this purpose that a person was mailed last, unless it was used; also where it has expired.
pub fn token(conn: &mut Conn, user: UserId, purpose: Purpose) -> Result<Option<MailToken>, StoreError> {
    let wanted = mail_tokens::table.find((user.get(), i16::from(purpose.to_code()))).select((
        mail_tokens::id,
        mail_tokens::nonce,
        mail_tokens::address,
        mail_tokens::expires_at,
        mail_tokens::session_id,
    ));
    let row: Option<Row> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    Ok(row.map(|(id, nonce, address, expires_at, session)| MailToken {
        user,
        purpose,
        id,
        nonce: Secret::new(nonce),
        address,
        expires_at: Micros::new(expires_at),
        session: session.map(SessionId::new),
    }))
}

/// Writes a token in place of the one before of its purpose.
pub fn put(conn: &mut Conn, token: &MailToken) -> Result<(), StoreError> {
    let text = "INSERT INTO mail_tokens (user_id, purpose, id, nonce, address, expires_at, session_id)
        VALUES (?,?,?,?,?,?,?) ON CONFLICT (user_id, purpose) DO UPDATE SET id = excluded.id,
        nonce = excluded.nonce, address = excluded.address, expires_at = excluded.expires_at,
        session_id = excluded.session_id";
    let binds = [
        token.user.get().into(),
        i64::from(token.purpose.to_code()).into(),
        token.id.into(),
        token.nonce.reveal().into(),
        token.address.as_str().into(),
        token.expires_at.get().into(),
        Value::MaybeInt(token.session.map(SessionId::get)),
    ];
    execute(conn, text, &binds)?;
    Ok(())
}

/// Voids the token of this purpose. Returns whether there was one.
pub fn void(conn: &mut Conn, user: UserId, purpose: Purpose) -> Result<bool, StoreError> {
    let held = mail_tokens::table.find((user.get(), i16::from(purpose.to_code())));
    Ok(on_backend!(conn, |c| diesel::delete(held).execute(c))? > 0)
}

/// Removes a few of those whose time is over. Returns how many.
pub fn forget_expired(conn: &mut Conn, now: Micros) -> Result<usize, StoreError> {
    let over = mail_tokens::table
        .filter(mail_tokens::expires_at.le(now.get()))
        .order(mail_tokens::expires_at.asc())
        .limit(FORGOTTEN_AT_ONCE)
        .select((mail_tokens::user_id, mail_tokens::purpose));
    let keys: Vec<(i64, i16)> = on_backend!(conn, |c| over.load(c))?;
    for key in &keys {
        on_backend!(conn, |c| diesel::delete(mail_tokens::table.find(*key)).execute(c))?;
    }
    Ok(keys.len())
}
