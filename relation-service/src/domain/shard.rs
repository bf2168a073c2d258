//! Parts of a large set of people, for readers that share the work.

use std::str::FromStr;

use shared::id::UserId;

/// A text is no shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A shard is i/n: n from 1 to {}, and i from 0 to n - 1.", Shard::COUNT_MAX)]
pub struct InvalidShard;

/// One of `count` parts that everybody is in exactly one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// Everybody.
    pub const WHOLE: Self = Self { index: 0, count: 1 };
    /// Parts at the most.
    pub const COUNT_MAX: u64 = 256;

    /// Whether this person is in it. The same people for ever: readers keep what belongs to their shard.
    pub fn holds(self, user: UserId) -> bool {
        mix(user.get().cast_unsigned()) % self.count == self.index
    }
}

impl FromStr for Shard {
    type Err = InvalidShard;

    fn from_str(text: &str) -> Result<Self, InvalidShard> {
        let number = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|_| plain)
        };
        let parts = text.split_once('/').and_then(|(index, count)| Some((number(index)?, number(count)?)));
        let valid = |&(index, count): &(u64, u64)| count <= Self::COUNT_MAX && index < count;
        parts.filter(valid).map(|(index, count)| Self { index, count }).ok_or(InvalidShard)
    }
}

/// The last step of `SplitMix64`: ids are made of a time and small numbers, so their last digits alone would fill shards
/// unevenly.
const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_in_exactly_one_shard_and_shards_are_even() {
        // As ids are made: a time in the upper bits, and below it the same few.
        let people: Vec<UserId> = (0..8_000).map(|number| UserId::new(number << 22)).collect();
        for count in [1, 2, 3, 8, 64, Shard::COUNT_MAX] {
            let shards = (0..count).map(|index| format!("{index}/{count}").parse::<Shard>().unwrap());
            let sizes: Vec<usize> =
                shards.map(|shard| people.iter().filter(|user| shard.holds(**user)).count()).collect();
            assert_eq!(sizes.iter().sum::<usize>(), people.len());
            let even = people.len() / usize::try_from(count).unwrap();
            assert!(sizes.iter().all(|&size| size * 2 > even && size < even * 2), "{count}: {sizes:?}");
        }
    }

    #[test]
    fn the_hash_stays_as_it_is() {
        assert_eq!(
            [0, 1, 250_336_120_720_588_800].map(mix),
            [0, 0x5692_161D_100B_05E5, 0x1352_4951_7CD7_CCF8]
        );
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["0/1", "0/256", "255/256", "07/08"] {
            assert!(text.parse::<Shard>().is_ok(), "{text}");
        }
        for text in
            ["", "/", "0", "0/", "/1", "0/0", "1/1", "2/1", "-1/2", "+0/2", "0/257", "a/b", "0/1/2", " 0/1"]
        {
            assert_eq!(text.parse::<Shard>(), Err(InvalidShard), "{text}");
        }
    }
}
