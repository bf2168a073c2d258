//! The numbers of the rules that an operator may set.

use std::time::Duration;

use super::known_network::KnownNetworkRules;
use super::limits::IDEMPOTENCY_LIFE;
use super::rename::RenameRules;
use super::session::SessionLife;

/// Live sessions of one person, unless a setting says otherwise.
pub const SESSIONS_MAX_DEFAULT: usize = 20;

/// What the writer decides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long sessions live.
    pub session: SessionLife,
    /// Live sessions of one person; one more ends the oldest.
    pub sessions_max: usize,
    /// How often a name changes, and how long the old one is kept.
    pub rename: RenameRules,
    /// How long a named request that is repeated is answered the same.
    pub idempotency_life: Duration,
    /// Which networks are known of a person.
    pub networks: KnownNetworkRules,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            session: SessionLife::default(),
            sessions_max: SESSIONS_MAX_DEFAULT,
            rename: RenameRules::default(),
            idempotency_life: IDEMPOTENCY_LIFE,
            networks: KnownNetworkRules::default(),
        }
    }
}
