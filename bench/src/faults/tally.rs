//! How requests were answered while something was wrong.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::request::Side;

/// Who was asked for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct What {
    /// Of relation-service, or of user-service.
    pub relations: bool,
    /// Something that changes something.
    pub write: bool,
}

/// How a request ended that was not answered with 200.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Another status.
    Status(u16),
    /// The connection was closed before the answer.
    Closed,
    /// There was no connection.
    Refused,
    /// Nothing came for as long as the load waits.
    Silence,
}

/// What has happened since somebody last asked.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Answers with 200.
    pub good: u64,
    /// The others.
    pub bad: BTreeMap<(What, Trouble), u64>,
    /// The last of them.
    pub last_bad: Option<Instant>,
    /// How long the slowest answer took, whatever it was.
    pub slowest: Duration,
    /// Answers that said something else than what had been acknowledged before.
    pub stale: Vec<String>,
}

impl What {
    /// Of one of the services.
    pub fn of(side: Side, write: bool) -> Self {
        Self { relations: side == Side::Relations, write }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match (self.relations, self.write) {
            (true, true) => "writes of relations",
            (true, false) => "reads of relations",
            (false, true) => "writes of people",
            (false, false) => "reads of people",
        }
    }
}

impl Trouble {
    /// For people.
    pub fn name(&self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::Closed => "closed".to_owned(),
            Self::Refused => "no connection".to_owned(),
            Self::Silence => "no answer".to_owned(),
        }
    }
}

impl Tally {
    /// Counts an answer.
    pub fn count(&mut self, what: What, outcome: Result<u16, Trouble>, took: Duration) {
        self.slowest = self.slowest.max(took);
        let trouble = match outcome {
            Ok(200) => {
                self.good += 1;
                return;
            }
            Ok(status) => Trouble::Status(status),
            Err(trouble) => trouble,
        };
        *self.bad.entry((what, trouble)).or_default() += 1;
        self.last_bad = Some(Instant::now());
    }

    /// Adds what another has counted.
    pub fn add(&mut self, other: Self) {
        self.good += other.good;
        for (key, times) in other.bad {
            *self.bad.entry(key).or_default() += times;
        }
        self.last_bad = self.last_bad.max(other.last_bad);
        self.slowest = self.slowest.max(other.slowest);
        self.stale.extend(other.stale);
    }

    /// How often each trouble was met, by its name.
    pub fn troubles(&self) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for ((_, trouble), times) in &self.bad {
            *sums.entry(trouble.name()).or_default() += times;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_summed_and_the_last_is_known() {
        let mut tally = Tally::default();
        let (read, write) = (What::of(Side::Users, false), What::of(Side::Relations, true));
        tally.count(read, Ok(200), Duration::from_millis(3));
        assert!(tally.last_bad.is_none());
        tally.count(read, Ok(503), Duration::from_millis(9));
        tally.count(write, Ok(503), Duration::from_millis(1));
        tally.count(write, Err(Trouble::Closed), Duration::ZERO);
        let mut sum = Tally::default();
        sum.add(tally);
        assert_eq!((sum.good, sum.slowest), (1, Duration::from_millis(9)));
        let expected = [("503".to_owned(), 2), ("closed".to_owned(), 1)];
        assert_eq!(sum.troubles(), BTreeMap::from(expected));
        assert!(sum.last_bad.is_some());
    }
}
