//! The rows of files that people bring: those that wait, and those that failed.

use diesel::sql_types::{BigInt, SmallInt, Text};
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, chunks, execute, query};
use shared::id::UserId;

use super::fact;
use super::import::Import;
use super::list::Entry;
use super::pair::{BLOCK, FOLLOW};
use super::rows_of_binds;
use super::sieve::{Found, Wanted, find};
use crate::domain::{ImportId, ImportKind};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredRow {
    /// The first below the header is 1.
    pub number: i64,
    /// As written.
    pub account: String,
    /// Whom that names; empty where it names nobody of ours.
    pub username: String,
    /// The option of the kind, if the row says one.
    pub option: Option<bool>,
    /// Who that is, once it is known.
    pub target: Option<UserId>,
    /// Why it failed; empty if it did not.
    pub code: String,
}

impl StoredRow {
    /// The same row once it failed. Whom it names is remembered for the day on which they are deleted.
    pub fn failed(self, code: &str) -> Self {
        Self { option: None, code: code.to_owned(), ..self }
    }

    /// Whether it could be read as an account of ours.
    pub const fn is_of_an_account(&self) -> bool {
        self.code.is_empty() || !self.username.is_empty()
    }

    /// Whether there is something to try.
    pub const fn is_open(&self) -> bool {
        self.code.is_empty()
    }
}

/// Keeps rows, in place of those of the same numbers.
pub fn put(conn: &mut Conn, user: UserId, id: ImportId, rows: &[StoredRow]) -> Result<(), StoreError> {
    for piece in chunks(rows) {
        let text = format!(
            "INSERT INTO import_rows (user_id, import_id, number, account, username, choice, target, code)
             VALUES {} ON CONFLICT (user_id, import_id, number) DO UPDATE SET account = excluded.account,
                username = excluded.username, choice = excluded.choice, target = excluded.target,
                code = excluded.code",
            rows_of_binds(piece.len(), 8)
        );
        let binds = piece.iter().flat_map(|row| {
            let choice = row.option.map_or(0, |option| if option { 2 } else { 1 });
            let target = row.target.map_or(0, UserId::get);
            [
                Value::Int(user.get()),
                Value::Int(id.get()),
                Value::Int(row.number),
                row.account.as_str().into(),
                row.username.as_str().into(),
                Value::Int(choice),
                Value::Int(target),
                row.code.as_str().into(),
            ]
        });
        execute(conn, &text, &binds.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// At most `limit` rows behind the one of this number, in their order.
pub fn after(
    conn: &mut Conn,
    user: UserId,
    id: ImportId,
    number: i64,
    limit: i64,
) -> Result<Vec<StoredRow>, StoreError> {
    let text = "SELECT number, account, username, choice, target, code FROM import_rows
                WHERE user_id = ? AND import_id = ? AND number > ? ORDER BY number LIMIT ?";
    rows(conn, text, &[user.get(), id.get(), number, limit].map(Value::Int))
}

/// The failed rows up to the one of this number.
pub fn failures(
    conn: &mut Conn,
    user: UserId,
    id: ImportId,
    through: i64,
) -> Result<Vec<StoredRow>, StoreError> {
    let text = "SELECT number, account, username, choice, target, code FROM import_rows
                WHERE user_id = ? AND import_id = ? AND number <= ? AND code <> '' ORDER BY number";
    rows(conn, text, &[user.get(), id.get(), through].map(Value::Int))
}

fn rows(conn: &mut Conn, text: &str, binds: &[Value<'_>]) -> Result<Vec<StoredRow>, StoreError> {
    let rows: Vec<(i64, String, String, i16, i64, String)> =
        query::<(BigInt, Text, Text, SmallInt, BigInt, Text), _>(conn, text, binds)?;
    let row = |(number, account, username, choice, target, code)| StoredRow {
        number,
        account,
        username,
        option: (choice != 0).then_some(choice == 2),
        target: (target != 0).then_some(UserId::new(target)),
        code,
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Forgets the rows behind `after`, up to `through`.
pub fn forget(
    conn: &mut Conn,
    user: UserId,
    id: ImportId,
    after: i64,
    through: i64,
) -> Result<(), StoreError> {
    let text = "DELETE FROM import_rows WHERE user_id = ? AND import_id = ? AND number > ? AND number <= ?";
    execute(conn, text, &[user.get(), id.get(), after, through].map(Value::Int)).map(drop)
}

/// Whether any row names `username` and not yet a person.
pub fn is_named(conn: &mut Conn, username: &str) -> Result<bool, StoreError> {
    let text = "SELECT 1 FROM import_rows WHERE username = ? AND username <> '' AND target = 0 LIMIT 1";
    Ok(!query::<diesel::sql_types::Integer, i32>(conn, text, &[username.into()])?.is_empty())
}

/// People who are on a list, and whom no row of a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// By id.
    pub users: Vec<UserId>,
    /// Behind which id there may be others; `None` if there are none.
    pub next: Option<i64>,
}

/// At most `most` of them with ids after `after`. Hidden people are on no list, so they stay (R45).
pub fn left_out(
    conn: &mut Conn,
    import: &Import,
    now: Micros,
    after: i64,
    most: u32,
) -> Result<LeftOut, StoreError> {
    let (table, own, of) = match import.kind {
        ImportKind::Following => ("edges_out", "source = ? AND state = ?", FOLLOW),
        ImportKind::Blocks => ("edges_out", "source = ? AND state = ?", BLOCK),
        ImportKind::Mutes => ("mutes", "user_id = ? AND expires_at > ?", now.get()),
    };
    let text = format!(
        "SELECT target FROM {table} WHERE {own} AND target > ?
            AND NOT EXISTS (SELECT 1 FROM import_rows AS r
                WHERE r.target = {table}.target AND r.user_id = ? AND r.import_id = ?)
         ORDER BY target LIMIT ?"
    );
    let user = import.user.get();
    // By id alone: all of them have the same time here.
    let entry = |user: &UserId| Entry { user: *user, since: Micros::default() };
    let read = |conn: &mut Conn, wanted: Wanted| {
        let after = wanted.after.map_or(after, |last| last.id);
        let binds = [user, of, after, user, import.id.get(), wanted.rows].map(Value::Int);
        let found: Vec<i64> = query::<BigInt, _>(conn, &text, &binds)?;
        Ok(found.into_iter().map(UserId::new).collect())
    };
    let Found { rows: users, left_at } =
        find(conn, Wanted::of_step(None, most), read, entry, fact::hidden_among)?;
    let is_full = users.len() >= usize::try_from(most).unwrap_or(usize::MAX);
    let next = if is_full { users.last().map(|user| user.get()) } else { left_at.map(|place| place.id) };
    Ok(LeftOut { users, next })
}
