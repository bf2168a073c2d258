//! The ids that this instance makes, for as long as the number that they are made with is surely its own.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::db::StoreError;
use shared::id::IdGenerator;

use crate::store::node::LEASE;

/// How long before its number may become another's an instance makes no more ids with it.
const MARGIN: Duration = Duration::from_secs(5);

/// Makes ids.
#[derive(Debug)]
pub struct Ids {
    generator: IdGenerator,
    held: Mutex<Held>,
}

/// For how long the number is this instance's.
#[derive(Debug, Clone, Copy)]
enum Held {
    /// Nobody else makes ids with it.
    Alone,
    /// It is, for a while after this.
    Since(Instant),
    /// It was given back.
    No,
}

impl Held {
    fn is_sure(self) -> bool {
        match self {
            Self::Alone => true,
            Self::Since(sent) => sent.elapsed() < LEASE.saturating_sub(MARGIN),
            Self::No => false,
        }
    }
}

impl Ids {
    /// Makes them with a number that nobody else takes.
    pub fn new(generator: IdGenerator) -> Self {
        Self { generator, held: Mutex::new(Held::Alone) }
    }

    /// The number.
    pub fn node(&self) -> u16 {
        self.generator.node()
    }

    /// The number is this one, as the database was asked at `sent`.
    pub fn hold(&self, node: u16, sent: Instant) {
        self.generator.set_node(node);
        self.set(Held::Since(sent));
    }

    /// The number is no longer this instance's.
    pub fn let_go(&self) {
        self.set(Held::No);
    }

    /// Whether ids can be made now.
    pub fn can_be_made(&self) -> bool {
        self.held().is_sure()
    }

    /// The next id.
    pub fn next(&self) -> Result<i64, StoreError> {
        // What was known before: a number that comes in between was not known to be held.
        let held = self.held();
        let id = self.generator.next();
        if held.is_sure() {
            return Ok(id);
        }
        Err(StoreError::Unavailable("the number of this instance may have become another's".to_owned()))
    }

    /// The next id, typed.
    pub fn next_as<T>(&self, wrap: fn(i64) -> T) -> Result<T, StoreError> {
        self.next().map(wrap)
    }

    fn held(&self) -> Held {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, held: Held) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}

#[cfg(test)]
mod tests {
    use shared::clock::Clock;

    use super::*;

    #[test]
    fn none_are_made_when_the_number_may_be_anothers() {
        let ids = Ids::new(IdGenerator::new(Clock::system(), 7));
        assert!(ids.next().is_ok(), "nobody else takes it");
        let before = |span| Instant::now().checked_sub(span).unwrap();
        ids.hold(8, before(LEASE - MARGIN));
        assert!(!ids.can_be_made() && ids.next().is_err(), "too long ago");
        ids.hold(8, before(LEASE / 3));
        assert!(ids.can_be_made());
        assert_eq!(ids.next().unwrap() >> 12 & 1_023, 8);
        ids.let_go();
        assert!(ids.next().is_err(), "it was given back");
    }
}
