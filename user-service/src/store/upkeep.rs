//! Work that falls due by itself: which kinds there are, when the next piece of each is due, and the rows of a step.

use std::time::Duration;

use diesel::sql_types::{BigInt, Nullable, Text};
use shared::clock::Micros;
use shared::db::{Conn, StoreError, execute, query};
use shared::id::UserId;
use shared::token::ACCESS_TOKEN_LIFE;

/// A kind of work that is done in bounded steps when it falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chore {
    /// Sessions that are over are forgotten.
    Sessions,
    /// Named requests whose day is over are forgotten.
    IdempotencyKeys,
    /// Names that were given up are free again.
    FormerNames,
    /// Suspensions whose time is over are lifted.
    Suspensions,
}

impl Chore {
    /// Every kind, in the order in which a step of each is done.
    pub const ALL: &'static [Self] =
        &[Self::Suspensions, Self::Sessions, Self::IdempotencyKeys, Self::FormerNames];

    /// Statements that find the earliest piece of this kind, each by an index, and how long after what they find it
    /// falls due.
    const fn earliest(self) -> &'static [(&'static str, Duration)] {
        match self {
            // What was ended is remembered for as long as its access tokens live.
            Self::Sessions => &[
                ("SELECT MIN(expires_at) FROM sessions", Duration::ZERO),
                ("SELECT MIN(revoked_at) FROM sessions WHERE revoked_at IS NOT NULL", ACCESS_TOKEN_LIFE),
            ],
            Self::IdempotencyKeys => &[("SELECT MIN(expires_at) FROM idempotency_keys", Duration::ZERO)],
            Self::Suspensions => {
                &[("SELECT MIN(until) FROM suspensions WHERE until IS NOT NULL", Duration::ZERO)]
            }
            Self::FormerNames => &[(
                "SELECT MIN(quarantined_until) FROM user_names WHERE quarantined_until IS NOT NULL",
                Duration::ZERO,
            )],
        }
    }
}

/// When the next piece of `chore` falls due; nothing if there is none.
pub fn next_due(conn: &mut Conn, chore: Chore) -> Result<Option<Micros>, StoreError> {
    let mut next: Option<Micros> = None;
    for (text, later) in chore.earliest() {
        let found: Vec<Option<i64>> = query::<Nullable<BigInt>, _>(conn, text, &[])?;
        let due = found.into_iter().flatten().map(|at| Micros::new(at).after(*later));
        next = next.into_iter().chain(due).min();
    }
    Ok(next)
}

/// Forgets at most `limit` sessions whose time is over, and as many that were ended by `ended`.
pub fn forget_sessions(conn: &mut Conn, now: Micros, ended: Micros, limit: i64) -> Result<(), StoreError> {
    for (over, by) in [("expires_at <= ?", now), ("revoked_at <= ?", ended)] {
        let text = format!(
            "DELETE FROM sessions WHERE (user_id, id) IN (SELECT user_id, id FROM sessions WHERE {over} LIMIT ?)"
        );
        execute(conn, &text, &[by.get().into(), limit.into()])?;
    }
    Ok(())
}

/// Forgets at most `limit` named requests whose day is over.
pub fn forget_idempotency_keys(conn: &mut Conn, now: Micros, limit: i64) -> Result<(), StoreError> {
    let text = "DELETE FROM idempotency_keys WHERE slot IN (
                    SELECT slot FROM idempotency_keys WHERE expires_at <= ? LIMIT ?)";
    execute(conn, text, &[now.get().into(), limit.into()]).map(drop)
}

/// A name whose quarantine is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverdueName {
    /// Who gave it up.
    pub user: UserId,
    /// What it looks like.
    pub look: String,
}

/// At most `limit` names whose quarantine is over, the longest first.
pub fn overdue_names(conn: &mut Conn, now: Micros, limit: i64) -> Result<Vec<OverdueName>, StoreError> {
    let text = "SELECT user_id, skeleton FROM user_names WHERE quarantined_until <= ?
                ORDER BY quarantined_until LIMIT ?";
    let rows: Vec<(i64, String)> = query::<(BigInt, Text), _>(conn, text, &[now.get().into(), limit.into()])?;
    Ok(rows.into_iter().map(|(user, look)| OverdueName { user: UserId::new(user), look }).collect())
}
