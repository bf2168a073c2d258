//! Sessions: one per login. Each use of the refresh token brings the next one.

use std::time::Duration;

use shared::clock::Micros;
use shared::id::{SessionId, UserId};

use super::limits::{PROOF_LIFE, REFRESH_GRACE, SESSION_ABSOLUTE_LIFE, SESSION_IDLE_LIFE};

/// How long sessions live and how forgiving they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLife {
    /// Ends a session that nobody uses.
    pub idle: Duration,
    /// Ends a session however much it is used.
    pub absolute: Duration,
    /// How long the refresh token before the newest still answers.
    pub grace: Duration,
    /// How long a session that has proved its person may change how they sign in: see [`super::step_up`].
    pub proof: Duration,
}

impl Default for SessionLife {
    fn default() -> Self {
        Self {
            idle: SESSION_IDLE_LIFE,
            absolute: SESSION_ABSOLUTE_LIFE,
            grace: REFRESH_GRACE,
            proof: PROOF_LIFE,
        }
    }
}

/// The facts of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionState {
    /// Which session.
    pub id: SessionId,
    /// Whose session.
    pub user_id: UserId,
    /// The number of the one refresh token that rotates; each rotation counts up.
    pub generation: i64,
    /// When that refresh token was made.
    pub rotated_at: Micros,
    /// When the person logged in.
    pub created_at: Micros,
    /// When the session was last refreshed.
    pub last_used_at: Micros,
    /// When the session ends unless refreshed before.
    pub expires_at: Micros,
    /// When the session ends in any case.
    pub absolute_expires_at: Micros,
    /// When the session last proved its person: a refresh does not.
    pub proved_at: Micros,
    /// When the session was ended before its time.
    pub revoked_at: Option<Micros>,
}

/// What to do with a refresh token whose tag is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Store [`SessionState::rotated`] and answer the token of `generation`.
    Rotate {
        /// The next generation.
        generation: i64,
    },
    /// Store nothing and answer the token of `generation`, which was answered before: the answer got lost
    /// or two requests raced.
    Replay {
        /// The current generation.
        generation: i64,
    },
    /// Somebody else has used this token: end the whole session.
    Reuse,
    /// The session ended by itself.
    Expired,
    /// The session was ended.
    Revoked,
}

impl SessionState {
    /// The generation of the refresh token that a login answers.
    pub const FIRST_GENERATION: i64 = 1;

    /// A session that begins now.
    pub fn open(id: SessionId, user_id: UserId, now: Micros, life: SessionLife) -> Self {
        let absolute_expires_at = now.after(life.absolute);
        Self {
            id,
            user_id,
            generation: Self::FIRST_GENERATION,
            rotated_at: now,
            created_at: now,
            last_used_at: now,
            expires_at: now.after(life.idle).min(absolute_expires_at),
            absolute_expires_at,
            proved_at: now,
            revoked_at: None,
        }
    }

    /// The same session after [`RefreshDecision::Rotate`].
    pub fn rotated(self, now: Micros, life: SessionLife) -> Self {
        Self {
            generation: self.generation + 1,
            rotated_at: now,
            last_used_at: now,
            expires_at: now.after(life.idle).min(self.absolute_expires_at),
            ..self
        }
    }

    /// Whether the session still counts.
    pub fn is_live(&self, now: Micros) -> bool {
        self.revoked_at.is_none() && now < self.expires_at && now < self.absolute_expires_at
    }
}

/// Decides about a refresh token of `presented` generation, whose tag the caller has verified.
///
/// A generation that was never given out (the database was restored from a backup, say) is treated as reuse:
/// who holds that token cannot be told from a thief.
pub fn decide_refresh(state: &SessionState, presented: i64, now: Micros, grace: Duration) -> RefreshDecision {
    if state.revoked_at.is_some() {
        return RefreshDecision::Revoked;
    }
    if !state.is_live(now) {
        return RefreshDecision::Expired;
    }
    if presented == state.generation {
        return RefreshDecision::Rotate { generation: state.generation + 1 };
    }
    // A clock that is behind the one that rotated counts as no time passed.
    if presented == state.generation - 1 && now.since(state.rotated_at) < grace {
        return RefreshDecision::Replay { generation: state.generation };
    }
    RefreshDecision::Reuse
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
