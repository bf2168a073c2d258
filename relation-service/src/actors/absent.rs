//! Ids that are nobody's, as user-service has just said: whoever reads about them again need not ask again.

use std::time::Duration;

use moka::sync::Cache;
use shared::clock::Clock;
use shared::id::{UserId, made_at};

/// How long an answer is taken for true.
const KEPT_FOR: Duration = Duration::from_secs(2);
/// How many ids are remembered.
const REMEMBERED_MAX: u64 = 10_000;
/// An id that was made so lately may be that of a registration which is about to be committed: about those is asked each
/// time. Clocks of different machines agree better than this.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// The ids. Clones share them. Nothing has to be forgotten when the feed brings one: whoever is known is not looked for
/// here.
#[derive(Clone)]
pub struct Absent {
    ids: Cache<UserId, ()>,
    clock: Clock,
}

impl Absent {
    /// None yet.
    pub fn new(clock: Clock) -> Self {
        let ids = Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(KEPT_FOR).build();
        Self { ids, clock }
    }

    /// Takes those of `users` out who are nobody, as far as is remembered.
    pub fn leave_out(&self, users: Vec<UserId>) -> Vec<UserId> {
        users.into_iter().filter(|user| !self.ids.contains_key(user)).collect()
    }

    /// Nobody has this id.
    pub(super) fn note(&self, user: UserId) {
        let (now, made) = (self.clock.now(), made_at(user.get()));
        if now.since(made).max(made.since(now)) > FRESH_FOR {
            self.ids.insert(user, ());
        }
    }
}
