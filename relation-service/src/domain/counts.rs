//! How a step of a pair moves the counters of its two people.

use std::ops::{Add, AddAssign, Sub};

use shared::id::UserId;

use super::pair::Pair;
use super::shadow::Shadow;

/// A difference of one person's counters, each in edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountDelta {
    /// People who follow this person.
    pub followers: i64,
    /// People whom this person follows.
    pub following: i64,
    /// People with whom the follow is mutual.
    pub friends: i64,
    /// Requests that wait for this person's answer.
    pub requests_received: i64,
    /// This person's requests that wait for an answer.
    pub requests_sent: i64,
    /// People whom this person blocks; counted for the limit alone.
    pub blocks: i64,
}

impl CountDelta {
    /// What the pair adds to the counters of its source.
    pub fn of_source(pair: Pair) -> Self {
        Self {
            followers: i64::from(pair.backward.is_follow()),
            following: i64::from(pair.forward.is_follow()),
            friends: i64::from(pair.is_friends()),
            requests_received: i64::from(pair.backward.is_request()),
            requests_sent: i64::from(pair.forward.is_request()),
            blocks: i64::from(pair.forward.is_block()),
        }
    }

    /// Nothing to write.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn zip(self, other: Self, op: fn(i64, i64) -> i64) -> Self {
        Self {
            followers: op(self.followers, other.followers),
            following: op(self.following, other.following),
            friends: op(self.friends, other.friends),
            requests_received: op(self.requests_received, other.requests_received),
            requests_sent: op(self.requests_sent, other.requests_sent),
            blocks: op(self.blocks, other.blocks),
        }
    }
}

impl Add for CountDelta {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, Add::add)
    }
}

impl AddAssign for CountDelta {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for CountDelta {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.zip(other, Sub::sub)
    }
}

/// One of the two people of a pair, as the counters need to know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    /// Who.
    pub id: UserId,
    /// Which of their edges the counters of others leave out.
    pub shadow: Shadow,
}

/// What the step from `before` to `after` does to the counters of the source and of the target. A function of
/// the two pairs and of what is left out alone, so that counters cannot drift from edges.
pub fn deltas(before: Pair, after: Pair, source: Party, target: Party) -> (CountDelta, CountDelta) {
    let own = |pair: Pair, me: Party, them: Party| CountDelta::of_source(them.shadow.over(pair, me.id));
    (
        own(after, source, target) - own(before, source, target),
        own(after.flip(), target, source) - own(before.flip(), target, source),
    )
}

/// What a shadow that moves does to the counters of `other`, the source of a pair with its person.
pub fn shadow_delta(pair: Pair, other: UserId, before: Shadow, after: Shadow) -> CountDelta {
    CountDelta::of_source(after.over(pair, other)) - CountDelta::of_source(before.over(pair, other))
}
