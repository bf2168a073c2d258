//! Sessions as rows.

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::{SessionId, UserId};
use shared::on_backend;

use super::schema::sessions;
use super::told::{Told, Transaction};
use crate::domain::refresh_token::SessionNonce;
use crate::domain::session::SessionState;

/// A session with what its refresh tokens are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The facts.
    pub state: SessionState,
    /// Part of every refresh token.
    pub nonce: SessionNonce,
    /// What the person calls the device; empty if nothing.
    pub device_name: String,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
struct SessionRow {
    user_id: i64,
    id: i64,
    device_name: String,
    nonce: String,
    generation: i64,
    rotated_at: i64,
    created_at: i64,
    last_used_at: i64,
    expires_at: i64,
    absolute_expires_at: i64,
    revoked_at: Option<i64>,
    proved_at: i64,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let state = session.state;
        Self {
            user_id: state.user_id.get(),
            id: state.id.get(),
            device_name: session.device_name.clone(),
            nonce: session.nonce.to_text(),
            generation: state.generation,
            rotated_at: state.rotated_at.get(),
            created_at: state.created_at.get(),
            last_used_at: state.last_used_at.get(),
            expires_at: state.expires_at.get(),
            absolute_expires_at: state.absolute_expires_at.get(),
            revoked_at: state.revoked_at.map(Micros::get),
            proved_at: state.proved_at.get(),
        }
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let nonce = SessionNonce::from_text(&row.nonce);
        let state = SessionState {
            id: SessionId::new(row.id),
            user_id: UserId::new(row.user_id),
            generation: row.generation,
            rotated_at: Micros::new(row.rotated_at),
            created_at: Micros::new(row.created_at),
            last_used_at: Micros::new(row.last_used_at),
            expires_at: Micros::new(row.expires_at),
            absolute_expires_at: Micros::new(row.absolute_expires_at),
            proved_at: Micros::new(row.proved_at),
            revoked_at: row.revoked_at.map(Micros::new),
        };
        let damaged = || StoreError::Unreadable(format!("session {}", state.id));
        Ok(Self { state, nonce: nonce.ok_or_else(damaged)?, device_name: row.device_name })
    }
}

/// One session, also if it has ended.
pub fn session(conn: &mut Conn, user: UserId, id: SessionId) -> Result<Option<Session>, StoreError> {
    let wanted = sessions::table.find((user.get(), id.get()));
    let row: Option<SessionRow> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    row.map(Session::try_from).transpose()
}

/// The sessions of a person that count at `now`, newest first.
pub fn live(conn: &mut Conn, user: UserId, now: Micros) -> Result<Vec<Session>, StoreError> {
    let wanted = sessions::table
        .filter(sessions::user_id.eq(user.get()))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now.get()))
        .filter(sessions::absolute_expires_at.gt(now.get()))
        .order(sessions::id.desc());
    let rows: Vec<SessionRow> = on_backend!(conn, |c| wanted.load(c))?;
    rows.into_iter().map(Session::try_from).collect()
}

/// At most `limit` sessions of a person, newest first, also those that have ended.
pub fn all(conn: &mut Conn, user: UserId, limit: i64) -> Result<Vec<Session>, StoreError> {
    let wanted =
        sessions::table.filter(sessions::user_id.eq(user.get())).order(sessions::id.desc()).limit(limit);
    let rows: Vec<SessionRow> = on_backend!(conn, |c| wanted.load(c))?;
    rows.into_iter().map(Session::try_from).collect()
}

/// Writes a new session.
pub fn insert(conn: &mut Conn, session: &Session) -> Result<(), StoreError> {
    let row = SessionRow::from(session);
    on_backend!(conn, |c| diesel::insert_into(sessions::table).values(row).execute(c))?;
    Ok(())
}

/// Writes what a use of the refresh token changed.
pub fn rotate(conn: &mut Conn, state: &SessionState) -> Result<(), StoreError> {
    let held = sessions::table.find((state.user_id.get(), state.id.get()));
    on_backend!(conn, |c| diesel::update(held)
        .set((
            sessions::generation.eq(state.generation),
            sessions::rotated_at.eq(state.rotated_at.get()),
            sessions::last_used_at.eq(state.last_used_at.get()),
            sessions::expires_at.eq(state.expires_at.get()),
        ))
        .execute(c))?;
    Ok(())
}

/// Notes that a session has proved its person.
pub fn prove(conn: &mut Conn, user: UserId, id: SessionId, at: Micros) -> Result<(), StoreError> {
    let held = sessions::table.find((user.get(), id.get()));
    on_backend!(conn, |c| diesel::update(held).set(sessions::proved_at.eq(at.get())).execute(c))?;
    Ok(())
}

/// Ends a session before its time; its access tokens are refused from the commit on.
pub fn end(tx: &mut Transaction<'_>, user: UserId, id: SessionId, at: Micros) -> Result<(), StoreError> {
    revoke(tx.conn, user, id, at)?;
    tx.tell(|| Told::Ended(id));
    Ok(())
}

/// The same where nobody has to hear of it.
pub fn revoke(conn: &mut Conn, user: UserId, id: SessionId, at: Micros) -> Result<(), StoreError> {
    let held = sessions::table.find((user.get(), id.get()));
    on_backend!(conn, |c| diesel::update(held).set(sessions::revoked_at.eq(Some(at.get()))).execute(c))?;
    Ok(())
}

/// Forgets the sessions of a person that ended before `before`: nothing is asked of them any more.
pub fn forget_ended(conn: &mut Conn, user: UserId, before: Micros) -> Result<(), StoreError> {
    let own = sessions::user_id.eq(user.get());
    let ended = sessions::revoked_at.lt(before.get()).or(sessions::expires_at.lt(before.get()));
    on_backend!(conn, |c| diesel::delete(sessions::table.filter(own).filter(ended)).execute(c))?;
    Ok(())
}

/// The sessions, of anybody, that were ended at `since` or later.
pub fn revoked_since(conn: &mut Conn, since: Micros) -> Result<Vec<(SessionId, Micros)>, StoreError> {
    let recent = sessions::revoked_at.assume_not_null();
    let wanted = sessions::table.filter(sessions::revoked_at.ge(since.get())).select((sessions::id, recent));
    let rows: Vec<(i64, i64)> = on_backend!(conn, |c| wanted.load(c))?;
    Ok(rows.into_iter().map(|(id, at)| (SessionId::new(id), Micros::new(at))).collect())
}
