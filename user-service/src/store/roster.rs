//! People in the order in which moderators look through them: a page is merged from one range of an index for each
//! class, so that none reads more rows than the page has.

use diesel::sql_types::{BigInt, Text};
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, query};
use shared::id::UserId;

use crate::domain::roster::{Class, Filter};

/// Where a page by age begins: at the person who registered next before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// When that person registered.
    pub created_at: Micros,
    /// That person.
    pub id: UserId,
}

/// At most `limit` people whom the filter lets through, newest first.
pub fn by_age(
    conn: &mut Conn,
    filter: Filter,
    before: Option<Before>,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let text = "SELECT created_at, id FROM users
        WHERE status = ? AND role = ? AND verified = ? AND created_at >= ? AND created_at < ?
            AND (created_at, id) < (?, ?)
        ORDER BY created_at DESC, id DESC LIMIT ?";
    let span = [
        filter.created_since.map_or(i64::MIN, Micros::get),
        filter.created_before.map_or(i64::MAX, Micros::get),
    ];
    let before = before.map_or([i64::MAX; 2], |place| [place.created_at.get(), place.id.get()]);
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for class in filter.classes() {
        let binds = class_of(class).into_iter().chain(span).chain(before).chain([limit]).map(Value::Int);
        let binds: Vec<Value<'_>> = binds.collect();
        merged.extend(query::<(BigInt, BigInt), (i64, i64)>(conn, text, &binds)?);
    }
    merged.sort_unstable_by(|one, other| other.cmp(one));
    merged.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(merged.into_iter().map(|(_, id)| UserId::new(id)).collect())
}

/// At most `limit` people whom the filter lets through and whose names begin with `prefix`, by name, after `after`.
/// The span of registration is not looked at.
pub fn by_name(
    conn: &mut Conn,
    filter: Filter,
    prefix: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    // By bytes, as the index is; SQLite knows nothing else.
    let collation = match conn {
        Conn::Sqlite(_) => "",
        Conn::Postgres(_) => r#" COLLATE "C""#,
    };
    let text = format!(
        "SELECT username, id FROM users WHERE status = ? AND role = ? AND verified = ?
            AND username{collation} >= ? AND username{collation} < ? ORDER BY username{collation} LIMIT ?"
    );
    // Before and after everything that a name can go on with.
    let from = after.map_or_else(|| prefix.to_owned(), |after| format!("{after}!"));
    let to = format!("{prefix}~");
    let mut merged: Vec<(String, i64)> = Vec::new();
    for class in filter.classes() {
        let mut binds: Vec<Value<'_>> = class_of(class).map(Value::Int).into();
        binds.extend([Value::from(from.as_str()), to.as_str().into(), limit.into()]);
        merged.extend(query::<(Text, BigInt), (String, i64)>(conn, &text, &binds)?);
    }
    merged.sort_unstable();
    merged.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(merged.into_iter().map(|(_, id)| UserId::new(id)).collect())
}

fn class_of(class: Class) -> [i64; 3] {
    [class.status.to_code().into(), class.role.to_code().into(), class.verified.into()]
}

/// Whether there is somebody of the class beside `user`.
pub fn has_other(conn: &mut Conn, class: Class, user: UserId) -> Result<bool, StoreError> {
    let text = "SELECT id FROM users WHERE status = ? AND role = ? AND verified = ? AND id <> ? LIMIT 1";
    let binds: Vec<Value<'_>> = class_of(class).into_iter().chain([user.get()]).map(Value::Int).collect();
    Ok(!query::<BigInt, i64>(conn, text, &binds)?.is_empty())
}
