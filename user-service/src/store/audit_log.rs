//! The audit log as rows: written and read. A purge of the person whom an entry is about leaves who, whom and when.

use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::Value as Json;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, execute, query};
use shared::id::UserId;

use crate::domain::audit_log::{Action, Doer, Entry, EntryFilter, EntryId};

/// Writes an entry.
pub fn insert(conn: &mut Conn, entry: &Entry) -> Result<(), StoreError> {
    let [before, after] =
        [&entry.before, &entry.after].map(|state| (!state.is_null()).then(|| state.to_string()));
    let text = "INSERT INTO audit_log (id, at, actor_id, operator, action, subject_id, reason, before, after)
        VALUES (?,?,?,?,?,?,?,?,?)";
    let binds = [
        Value::Int(entry.id.get()),
        Value::Int(entry.at.get()),
        Value::MaybeInt(entry.by.person().map(UserId::get)),
        Value::Int(i64::from(entry.by == Doer::Operator)),
        entry.action.as_str().into(),
        Value::MaybeInt(entry.subject.map(UserId::get)),
        Value::MaybeText(entry.reason.as_deref()),
        Value::MaybeText(before.as_deref()),
        Value::MaybeText(after.as_deref()),
    ];
    execute(conn, text, &binds)?;
    Ok(())
}

type Row = (i64, i64, Option<i64>, i64, String, Option<i64>, Option<String>, Option<String>, Option<String>);
type RowType = (
    BigInt,
    BigInt,
    Nullable<BigInt>,
    BigInt,
    Text,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
);

/// At most `limit` entries that the filter lets through, before the number `before`, newest first.
pub fn entries(
    conn: &mut Conn,
    filter: EntryFilter,
    before: Option<EntryId>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    // Postgres is told the type of the small integer, which the row reads as a large one.
    let mut text =
        "SELECT id, at, actor_id, CAST(operator AS BIGINT), action, subject_id, reason, before, after
        FROM audit_log WHERE id < ?"
            .to_owned();
    let mut binds = vec![Value::Int(before.map_or(i64::MAX, EntryId::get))];
    match filter.by {
        None => {}
        Some(Doer::Person(user)) => {
            text += " AND actor_id = ?";
            binds.push(Value::Int(user.get()));
        }
        Some(Doer::Operator) => text += " AND operator = 1 AND actor_id IS NULL",
        Some(Doer::Time) => text += " AND operator = 0 AND actor_id IS NULL",
    }
    if let Some(subject) = filter.subject {
        text += " AND subject_id = ?";
        binds.push(Value::Int(subject.get()));
    }
    if let Some(action) = filter.action {
        text += " AND action = ?";
        binds.push(action.as_str().into());
    }
    text += " ORDER BY id DESC LIMIT ?";
    binds.push(Value::Int(limit));
    let rows: Vec<Row> = query::<RowType, _>(conn, &text, &binds)?;
    rows.into_iter().map(entry).collect()
}

fn entry(row: Row) -> Result<Entry, StoreError> {
    let (id, at, actor, operator, action, subject, reason, before, after) = row;
    let damaged = || StoreError::Unreadable(format!("entry {id} of the audit log"));
    let json = |text: Option<String>| match text {
        Some(text) => serde_json::from_str(&text).map_err(|_| damaged()),
        None => Ok(Json::Null),
    };
    let by = match (actor, operator) {
        (Some(actor), _) => Doer::Person(UserId::new(actor)),
        (None, 0) => Doer::Time,
        (None, _) => Doer::Operator,
    };
    Ok(Entry {
        id: EntryId::new(id),
        at: Micros::new(at),
        by,
        action: Action::parse(&action).ok_or_else(damaged)?,
        subject: subject.map(UserId::new),
        reason,
        before: json(before)?,
        after: json(after)?,
    })
}
