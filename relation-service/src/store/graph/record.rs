//! All that is remembered of one person, in one place: each part is there or is not.

use shared::cache::Weigh;

use super::{Inbound, Kept, Outbound, Part, Person};

/// The parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// Who they are.
    pub person: Option<Person>,
    /// What they hold.
    pub outbound: Option<Outbound>,
    /// Who holds something towards them.
    pub inbound: Option<Box<Inbound>>,
    /// What they keep about others.
    pub kept: Option<Kept>,
    /// Whether counters lag behind somebody who was hidden or came back.
    pub counting: Option<bool>,
}

impl Record {
    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        let Self { person, outbound, inbound, kept, counting } = self;
        person.is_none() && outbound.is_none() && inbound.is_none() && kept.is_none() && counting.is_none()
    }

    /// A copy of one part, if it is there.
    pub fn only(&self, part: Part) -> Option<Self> {
        let nothing = Self::default();
        let alone = match part {
            Part::Person => Self { person: self.person.clone(), ..nothing },
            Part::Outbound => Self { outbound: self.outbound.clone(), ..nothing },
            Part::Inbound => Self { inbound: self.inbound.clone(), ..nothing },
            Part::Kept => Self { kept: self.kept.clone(), ..nothing },
            Part::Counting => Self { counting: self.counting, ..nothing },
        };
        (!alone.is_empty()).then_some(alone)
    }

    /// Of each part, in bytes on the heap.
    fn weights(&self) -> [Option<usize>; 4] {
        let Self { person, outbound, inbound, kept, counting: _ } = self;
        [
            person.as_ref().map(Weigh::weight),
            outbound.as_ref().map(Weigh::weight),
            inbound.as_ref().map(|inbound| inbound.weight()),
            kept.as_ref().map(Weigh::weight),
        ]
    }
}

/// A place in the cache's table, twice over: those who have gone leave theirs, of which so many are remembered.
const PLACE_BYTES: usize = 2 * size_of::<Record>();

impl Weigh for Record {
    fn weight(&self) -> usize {
        PLACE_BYTES + self.weights().into_iter().flatten().sum::<usize>()
    }

    /// Takes in the parts that were loaded.
    fn join(&mut self, loaded: Self) {
        let Self { person, outbound, inbound, kept, counting } = loaded;
        self.person = person.or_else(|| self.person.take());
        self.outbound = outbound.or_else(|| self.outbound.take());
        self.inbound = inbound.or_else(|| self.inbound.take());
        self.kept = kept.or_else(|| self.kept.take());
        self.counting = counting.or(self.counting);
    }

    fn weight_joined(&self, loaded: &Self) -> usize {
        let weights = loaded.weights().into_iter().zip(self.weights());
        PLACE_BYTES + weights.filter_map(|(loaded, held)| loaded.or(held)).sum::<usize>()
    }
}
