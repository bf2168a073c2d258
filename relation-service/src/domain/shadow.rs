//! R45: the edges of a hidden person leave the counters of others, and come back, in steps.

use std::cmp::Reverse;

use shared::clock::Micros;
use shared::id::UserId;

use super::pair::{Edge, Pair};

/// The place of an edge among those towards one person: follows before requests, the newest first, as the
/// store keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// 1 for a follow, 2 for a request.
    pub rank: i16,
    /// When the edge took its kind.
    pub since: Reverse<Micros>,
    /// Who holds it.
    pub source: UserId,
}

impl Place {
    /// Before every edge.
    pub const START: Self = Self { rank: 0, since: Reverse(Micros::new(0)), source: UserId::new(0) };
    /// After every edge.
    pub const END: Self = Self { rank: 3, ..Self::START };

    /// The place of what `source` holds; edges that no counter shows have none.
    pub fn of(edge: Edge, source: UserId) -> Option<Self> {
        match edge {
            Edge::Follow { since, .. } => Some(Self { rank: 1, since: Reverse(since), source }),
            Edge::Request { since, .. } => Some(Self { rank: 2, since: Reverse(since), source }),
            Edge::None | Edge::Block { .. } => None,
        }
    }
}

/// How far a person's edges have been taken out of the counters of the people at their other ends.
///
/// A million followers cannot leave in one transaction, and acts go on while a sweep is under way. So the
/// sweep goes through the edges in a fixed order, and the place that it has reached says of every edge
/// whether it counts. Nothing is noted beside each edge: one that is new, moved or gone in the meantime is
/// where its key says, and a sweep that turns around half-way walks back over exactly what it took out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shadow {
    /// Of the edges towards the person, all up to this place are left out.
    pub incoming: Place,
    /// Of the person's own edges, those to people up to this one are left out.
    pub outgoing: UserId,
}

impl Shadow {
    /// Every edge counts.
    pub const NONE: Self = Self { incoming: Place::START, outgoing: UserId::new(0) };
    /// No edge counts.
    pub const WHOLE: Self = Self { incoming: Place::END, outgoing: UserId::new(i64::MAX) };

    /// The pair of `other`, its source, with the person whose shadow this is, as the counters of `other`
    /// take it. Blocks stay: they are counted for the limit alone, whoever is hidden.
    pub fn over(self, pair: Pair, other: UserId) -> Pair {
        let without = |edge: Edge, left_out: bool| if left_out { Edge::None } else { edge };
        let incoming = Place::of(pair.forward, other).is_some_and(|place| place <= self.incoming);
        Pair {
            forward: without(pair.forward, incoming),
            backward: without(pair.backward, other <= self.outgoing),
            ..pair
        }
    }
}

impl Default for Shadow {
    fn default() -> Self {
        Self::NONE
    }
}
