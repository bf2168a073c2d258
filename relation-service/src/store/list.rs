//! Lists, page by page: by key, never by offset, and never shortened by what a viewer may not see.

use diesel::sql_types::BigInt;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, query};
use shared::id::UserId;
use shared::page::{PageRequest, Position};

use super::pair::{BLOCK, FOLLOW, REQUEST};
use super::sieve::{Wanted, fill, not_shown};

/// Which list of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Who follows them.
    Followers,
    /// Whom they follow.
    Following,
    /// Both at once.
    Friends,
    /// Who has asked to follow them.
    RequestsReceived,
    /// Whom they have asked.
    RequestsSent,
    /// Whom they block.
    Blocks,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
}

/// One row of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The other person.
    pub user: UserId,
    /// Since when.
    pub since: Micros,
}

impl Entry {
    /// Its place in the list.
    pub fn position(&self) -> Position {
        Position { key: self.since.get(), id: self.user.get() }
    }
}

/// What a list is made of, in SQL: the column with the other person, the time, the rows.
struct Source {
    other: &'static str,
    since: &'static str,
    rows: &'static str,
    state: i64,
}

impl List {
    fn source(self) -> Source {
        let by_source = |state| Source {
            other: "edges_out.target",
            since: "since",
            rows: "FROM edges_out WHERE source = ? AND state = ?",
            state,
        };
        let by_target = |state| Source {
            other: "edges_in.source",
            since: "-neg_since",
            rows: "FROM edges_in WHERE target = ? AND state = ?",
            state,
        };
        match self {
            Self::Followers => by_target(FOLLOW),
            Self::RequestsReceived => by_target(REQUEST),
            Self::Following => by_source(FOLLOW),
            Self::RequestsSent => by_source(REQUEST),
            Self::Blocks => by_source(BLOCK),
            Self::Friends => Source {
                since: "CASE WHEN since > back_since THEN since ELSE back_since END",
                rows: "FROM edges_out WHERE back_since > 0 AND source = ? AND state = ?",
                ..by_source(FOLLOW)
            },
        }
    }

    /// Lists by target are kept by negated time; the others are sorted from a person's bounded rows.
    fn is_by_target(self) -> bool {
        matches!(self, Self::Followers | Self::RequestsReceived)
    }
}

/// The rows of `owner`'s list after the request's cursor: at most one more than its page holds.
/// Hidden people are left out, and for a `viewer` those who block or are blocked by the viewer.
pub fn page(
    conn: &mut Conn,
    list: List,
    owner: UserId,
    order: Order,
    request: PageRequest,
    viewer: Option<UserId>,
) -> Result<Vec<Entry>, StoreError> {
    let read = |conn: &mut Conn, wanted| look(conn, list, owner, order, wanted);
    fill(conn, request.into(), read, |entry| *entry, |conn, users| not_shown(conn, users, viewer))
}

/// At most so many rows of a list, whoever is in them.
pub(super) fn look(
    conn: &mut Conn,
    list: List,
    owner: UserId,
    order: Order,
    wanted: Wanted,
) -> Result<Vec<Entry>, StoreError> {
    let source = list.source();
    let (keyset, ordering) = keyset(list, &source, order);
    let mut text = format!("SELECT {}, {} {}", source.other, source.since, source.rows);
    let mut binds = vec![Value::Int(owner.get()), Value::Int(source.state)];
    if let Some(after) = wanted.after {
        text.push_str(&keyset);
        binds.extend(key_of(list, after));
    }
    text.push_str(&ordering);
    binds.push(Value::Int(wanted.rows));
    let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, &text, &binds)?;
    Ok(rows
        .into_iter()
        .map(|(user, since)| Entry { user: UserId::new(user), since: Micros::new(since) })
        .collect())
}

/// The condition that continues after a row, and the order.
fn keyset(list: List, source: &Source, order: Order) -> (String, String) {
    let key = if list.is_by_target() { "neg_since" } else { source.since };
    // Negated time runs the other way, and so must the id beside it.
    let ascending = list.is_by_target() == (order == Order::Newest);
    let (compare, direction) = if ascending { (">", "ASC") } else { ("<", "DESC") };
    let other = source.other;
    (
        format!(" AND ({key}, {other}) {compare} (?, ?)"),
        format!(" ORDER BY {key} {direction}, {other} {direction} LIMIT ?"),
    )
}

fn key_of(list: List, after: Position) -> [Value<'static>; 2] {
    let key = if list.is_by_target() { -after.key } else { after.key };
    [Value::Int(key), Value::Int(after.id)]
}
