//! Mails that wait to be sent, as rows.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, query};
use shared::id::UserId;
use shared::on_backend;

use super::schema::{mails, password_reset_requests};
use crate::domain::mail::Kind;

/// When a mail is due that is set aside.
const PARKED: i64 = i64::MAX;

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

/// Whether there is anything for the mailer to do about mails to others than `busy`.
pub fn is_due(conn: &mut Conn, now: Micros, busy: &[String]) -> Result<bool, StoreError> {
    // Requests first: one that is opened meanwhile is a mail by then.
    let request = password_reset_requests::table.select(password_reset_requests::asked_at).limit(1);
    let asked: Option<i64> = on_backend!(conn, |c| request.get_result(c).optional())?;
    if asked.is_some() {
        return Ok(true);
    }
    Ok(!due(conn, now, busy, 1)?.is_empty())
}

/// At most `limit` mails to others than `busy` that something is to be done about, the oldest first. What is in the
/// rows is read one by one: see [`mail`].
pub fn due(
    conn: &mut Conn,
    now: Micros,
    busy: &[String],
    limit: i64,
) -> Result<Vec<(UserId, i64)>, StoreError> {
    let due = mails::table
        .filter(mails::due_at.le(now.get()).and(mails::recipient.ne_all(busy)))
        .order((mails::due_at.asc(), mails::id.asc()))
        .limit(limit)
        .select((mails::user_id, mails::id));
    let rows: Vec<(i64, i64)> = on_backend!(conn, |c| due.load(c))?;
    Ok(rows.into_iter().map(|(user, id)| (UserId::new(user), id)).collect())
}

/// How many mails are still to be sent.
pub fn waiting(conn: &mut Conn) -> Result<usize, StoreError> {
    let counts: Vec<i64> =
        query::<BigInt, _>(conn, "SELECT COUNT(*) FROM mails WHERE failed_at IS NULL", &[])?;
    Ok(counts.first().and_then(|count| usize::try_from(*count).ok()).unwrap_or(0))
}

/// Sets a mail aside that cannot be read: it is kept, never due again, and the audit tells of it.
pub fn park(conn: &mut Conn, user: UserId, id: i64, now: Micros) -> Result<(), StoreError> {
    let held = mails::table.find((user.get(), id));
    let parked = (mails::due_at.eq(PARKED), mails::failed_at.eq(Some(now.get())));
    on_backend!(conn, |c| diesel::update(held).set(parked).execute(c))?;
    Ok(())
}

/// At most `limit` mails about a person's account, the oldest first, without those that are set aside.
pub fn of(conn: &mut Conn, user: UserId, limit: i64) -> Result<Vec<Mail>, StoreError> {
    let own = mails::table
        .filter(mails::user_id.eq(user.get()).and(mails::due_at.ne(PARKED)))
        .order(mails::id.asc())
        .limit(limit);
    let rows: Vec<MailRow> = on_backend!(conn, |c| own.load(c))?;
    rows.into_iter().map(Mail::try_from).collect()
}

/// One mail, if it is still there. A row that no mail can be made of is [`StoreError::Unreadable`], whatever is wrong
/// with it.
pub fn mail(conn: &mut Conn, user: UserId, id: i64) -> Result<Option<Mail>, StoreError> {
    let wanted = mails::table.find((user.get(), id));
    let row: Result<Option<MailRow>, _> = on_backend!(conn, |c| wanted.get_result(c).optional());
    match row {
        Ok(row) => row.map(Mail::try_from).transpose(),
        Err(diesel::result::Error::DeserializationError(error)) => {
            Err(StoreError::Unreadable(format!("mail {id}: {error}")))
        }
        Err(error) => Err(error.into()),
    }
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
