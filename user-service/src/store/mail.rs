//! Mails that wait to be sent, as rows.

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::on_backend;

use super::schema::{mails, password_reset_requests};
use crate::domain::mail::Kind;

/// One mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Whose account it is about.
    pub user: UserId,
    /// Tells it from their other mails.
    pub id: i64,
    /// Why it is sent.
    pub kind: Kind,
    /// Where to.
    pub recipient: String,
    /// Which token it brings, if any.
    pub token_id: Option<i64>,
    /// Tries so far, the one under way included.
    pub tries: i64,
    /// When something is to be done about it.
    pub due_at: Micros,
    /// When nobody wants it any more.
    pub expires_at: Micros,
    /// When it was given up, if it was.
    pub failed_at: Option<Micros>,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = mails, treat_none_as_default_value = false)]
struct MailRow {
    user_id: i64,
    id: i64,
    kind: i16,
    recipient: String,
    token_id: Option<i64>,
    tries: i64,
    due_at: i64,
    expires_at: i64,
    failed_at: Option<i64>,
}

impl TryFrom<MailRow> for Mail {
    type Error = StoreError;

    fn try_from(row: MailRow) -> Result<Self, StoreError> {
        let kind = Kind::from_code(row.kind);
        Ok(Self {
            user: UserId::new(row.user_id),
            id: row.id,
            kind: kind.ok_or_else(|| StoreError::Unreadable(format!("mail {}", row.id)))?,
            recipient: row.recipient,
            token_id: row.token_id,
            tries: row.tries,
            due_at: Micros::new(row.due_at),
            expires_at: Micros::new(row.expires_at),
            failed_at: row.failed_at.map(Micros::new),
        })
    }
}

/// Writes a mail that is to be sent.
pub fn insert(conn: &mut Conn, mail: &Mail) -> Result<(), StoreError> {
    let row = MailRow {
        user_id: mail.user.get(),
        id: mail.id,
        kind: mail.kind.to_code(),
        recipient: mail.recipient.clone(),
        token_id: mail.token_id,
        tries: mail.tries,
        due_at: mail.due_at.get(),
        expires_at: mail.expires_at.get(),
        failed_at: mail.failed_at.map(Micros::get),
    };
    on_backend!(conn, |c| diesel::insert_into(mails::table).values(row).execute(c))?;
    Ok(())
}

/// Whether there is anything for the mailer to do.
pub fn is_due(conn: &mut Conn, now: Micros) -> Result<bool, StoreError> {
    // Requests first: one that is opened meanwhile is a mail by then.
    let request = password_reset_requests::table.select(password_reset_requests::asked_at).limit(1);
    let asked: Option<i64> = on_backend!(conn, |c| request.get_result(c).optional())?;
    if asked.is_some() {
        return Ok(true);
    }
    let mail = mails::table.filter(mails::due_at.le(now.get())).select(mails::id).limit(1);
    let due: Option<i64> = on_backend!(conn, |c| mail.get_result(c).optional())?;
    Ok(due.is_some())
}

/// At most `limit` mails that something is to be done about, the oldest first.
pub fn due(conn: &mut Conn, now: Micros, limit: i64) -> Result<Vec<Mail>, StoreError> {
    let due = mails::table.filter(mails::due_at.le(now.get())).order(mails::due_at.asc()).limit(limit);
    let rows: Vec<MailRow> = on_backend!(conn, |c| due.load(c))?;
    rows.into_iter().map(Mail::try_from).collect()
}

/// One mail, if it is still there.
pub fn mail(conn: &mut Conn, user: UserId, id: i64) -> Result<Option<Mail>, StoreError> {
    let wanted = mails::table.find((user.get(), id));
    let row: Option<MailRow> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    row.map(Mail::try_from).transpose()
}

/// Writes how a mail stands: its tries, when it is due, and whether it was given up.
pub fn update(conn: &mut Conn, mail: &Mail) -> Result<(), StoreError> {
    let held = mails::table.find((mail.user.get(), mail.id));
    on_backend!(conn, |c| diesel::update(held)
        .set((
            mails::tries.eq(mail.tries),
            mails::due_at.eq(mail.due_at.get()),
            mails::failed_at.eq(mail.failed_at.map(Micros::get)),
        ))
        .execute(c))?;
    Ok(())
}

/// Removes a mail.
pub fn remove(conn: &mut Conn, user: UserId, id: i64) -> Result<(), StoreError> {
    let held = mails::table.find((user.get(), id));
    on_backend!(conn, |c| diesel::delete(held).execute(c))?;
    Ok(())
}
