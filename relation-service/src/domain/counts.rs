//! How a step of a pair moves the counters of its two people.

use std::ops::{Add, AddAssign, Sub};

use super::pair::Pair;

/// A difference of one person's counters, each in edges.
///
/// It knows edges only: a counter that leaves out hidden people (R45) has to leave out steps with them too.
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

/// What the step from `before` to `after` does to the counters of the source and of the target. A function of
/// the two pairs alone, so that counters cannot drift from edges.
pub fn deltas(before: Pair, after: Pair) -> (CountDelta, CountDelta) {
    let source = CountDelta::of_source(after) - CountDelta::of_source(before);
    let target = CountDelta::of_source(after.flip()) - CountDelta::of_source(before.flip());
    (source, target)
}
