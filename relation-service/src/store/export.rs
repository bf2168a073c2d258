//! Everything that one person holds and is told, list by list, for them.

use diesel::sql_types::{BigInt, Text};
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, query};
use shared::id::UserId;

/// The lists of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Whom they follow.
    Following,
    /// Who follows them.
    Followers,
    /// Whom they have asked.
    RequestsSent,
    /// Who asks them.
    RequestsReceived,
    /// Whom they block. Who blocks them is not told.
    Blocks,
    /// Whom they mute.
    Mutes,
    /// Their close friends.
    CloseFriends,
    /// Whom they do not want to be suggested.
    Dismissals,
    /// What they noted about others. What others noted about them is the others'.
    Notes,
}

impl Part {
    /// Every list with its name, in their order.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Following, "following"),
        (Self::Followers, "followers"),
        (Self::RequestsSent, "requests_sent"),
        (Self::RequestsReceived, "requests_received"),
        (Self::Blocks, "blocks"),
        (Self::Mutes, "mutes"),
        (Self::CloseFriends, "close_friends"),
        (Self::Dismissals, "dismissals"),
        (Self::Notes, "notes"),
    ];

    /// Selects rows after a place: the place, the other person, since when, an end, an option and a text. A time is a
    /// place too: no two edges of one log have the same.
    const fn text(self) -> &'static str {
        match self {
            Self::Following => {
                "SELECT target, target, since, CAST(0 AS BIGINT), CAST(notify AS BIGINT), CAST('' AS TEXT)
                 FROM edges_out WHERE source = ? AND target > ? AND state = 1 ORDER BY target LIMIT ?"
            }
            Self::RequestsSent => {
                "SELECT target, target, since, CAST(0 AS BIGINT), CAST(notify AS BIGINT), CAST('' AS TEXT)
                 FROM edges_out WHERE source = ? AND target > ? AND state = 2 ORDER BY target LIMIT ?"
            }
            Self::Blocks => {
                "SELECT target, target, since, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST('' AS TEXT)
                 FROM edges_out WHERE source = ? AND target > ? AND state = 3 ORDER BY target LIMIT ?"
            }
            Self::Followers => {
                "SELECT neg_since, source, -neg_since, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST('' AS TEXT)
                 FROM edges_in WHERE target = ? AND neg_since > ? AND state = 1 ORDER BY neg_since LIMIT ?"
            }
            Self::RequestsReceived => {
                "SELECT neg_since, source, -neg_since, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST('' AS TEXT)
                 FROM edges_in WHERE target = ? AND neg_since > ? AND state = 2 ORDER BY neg_since LIMIT ?"
            }
            Self::Mutes => {
                "SELECT target, target, since, expires_at, CAST(notifications AS BIGINT), CAST('' AS TEXT)
                 FROM mutes WHERE user_id = ? AND target > ? ORDER BY target LIMIT ?"
            }
            Self::CloseFriends => {
                "SELECT target, target, since, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST('' AS TEXT)
                 FROM close_friends WHERE user_id = ? AND target > ? ORDER BY target LIMIT ?"
            }
            Self::Dismissals => {
                "SELECT target, target, since, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST('' AS TEXT)
                 FROM dismissals WHERE user_id = ? AND target > ? ORDER BY target LIMIT ?"
            }
            Self::Notes => {
                "SELECT target, target, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(0 AS BIGINT), note
                 FROM notes WHERE user_id = ? AND target > ? ORDER BY target LIMIT ?"
            }
        }
    }
}

/// One row of a list. What a list does not have is zero or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRow {
    /// From where the list goes on.
    pub place: i64,
    /// The other person.
    pub user: UserId,
    /// When it began.
    pub since: Micros,
    /// When a mute ends; the end of time for never.
    pub until: Micros,
    /// Whether notifications are asked for, or muted.
    pub option: bool,
    /// A note.
    pub text: String,
}

/// At most `limit` rows of a list of `owner`, after a place.
pub fn page(
    conn: &mut Conn,
    owner: UserId,
    part: Part,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<ExportRow>, StoreError> {
    let binds = [Value::Int(owner.get()), Value::Int(after.unwrap_or(i64::MIN)), Value::Int(limit)];
    let rows: Vec<(i64, i64, i64, i64, i64, String)> =
        query::<(BigInt, BigInt, BigInt, BigInt, BigInt, Text), _>(conn, part.text(), &binds)?;
    let row = |(place, user, since, until, option, text)| ExportRow {
        place,
        user: UserId::new(user),
        since: Micros::new(since),
        until: Micros::new(until),
        option: option != 0,
        text,
    };
    Ok(rows.into_iter().map(row).collect())
}
