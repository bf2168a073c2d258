//! How much one hash of a password costs whoever makes it, and whoever guesses.

use std::fmt;

/// The parameters of argon2id, with one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory that one hash takes, in KiB.
    pub memory_kib: u32,
    /// How often it goes over that memory.
    pub passes: u32,
}

/// Where passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashThreads {
    /// How many hash at once.
    pub count: usize,
    /// How much they yield to all other threads: 0 not at all, 19 as far as the system goes.
    pub niceness: u8,
}

/// OWASP's choices for argon2id with one lane (Password Storage Cheat Sheet): each is as hard to guess as the others.
const ENOUGH: [HashCost; 5] = [
    HashCost { memory_kib: 47_104, passes: 1 },
    HashCost { memory_kib: 19_456, passes: 2 },
    HashCost { memory_kib: 12_288, passes: 3 },
    HashCost { memory_kib: 9_216, passes: 4 },
    HashCost { memory_kib: 7_168, passes: 5 },
];

/// The most passes that a setting may ask for.
pub const PASSES_MAX: u32 = 100;

impl HashCost {
    /// What a hash costs unless a setting says otherwise: OWASP's first choice of those that fit beside others.
    pub const STANDARD: Self = Self { memory_kib: 19_456, passes: 2 };
    /// As little as argon2 allows.
    pub const LOWEST: Self = Self { memory_kib: 8, passes: 1 };

    /// The fewest passes over so much memory that OWASP calls enough; the most there may be, where none are.
    pub fn least_with(memory_kib: u32) -> Self {
        let with = |passes| Self { memory_kib, passes };
        (1..PASSES_MAX).map(with).find(|cost| cost.is_enough()).unwrap_or(with(PASSES_MAX))
    }

    /// Whether OWASP calls this enough.
    pub fn is_enough(self) -> bool {
        ENOUGH.iter().any(|least| self.is_at_least(*least))
    }

    /// Whether this costs as much as `other` in both regards.
    pub const fn is_at_least(self, other: Self) -> bool {
        self.memory_kib >= other.memory_kib && self.passes >= other.passes
    }
}

impl fmt::Display for HashCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB and {} passes", self.memory_kib, self.passes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_is_what_owasp_names_or_more() {
        let cost = |memory_kib, passes| HashCost { memory_kib, passes };
        for enough in [HashCost::STANDARD, cost(47_104, 1), cost(12_288, 3), cost(7_168, 5), cost(65_536, 4)]
        {
            assert!(enough.is_enough(), "{enough}");
        }
        for less in [HashCost::LOWEST, cost(19_455, 2), cost(47_103, 1), cost(7_168, 4), cost(7_167, 9)] {
            assert!(!less.is_enough(), "{less}");
        }
        for (memory_kib, passes) in
            [(7_168, 5), (9_216, 4), (19_455, 3), (19_456, 2), (1 << 20, 1), (8, PASSES_MAX)]
        {
            assert_eq!(HashCost::least_with(memory_kib), cost(memory_kib, passes));
        }
    }
}
