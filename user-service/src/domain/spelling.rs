//! Words that are one slip apart: a letter too many, too few or wrong, or two in the wrong order.
//!
//! A word has three keys, each of which leaves out a third of it. A slip spoils one third, so two words that are a
//! slip apart have a key in common, unless it swaps the letters where two thirds meet: that is asked for as it is.
//! Keys are those of the word's look, so that look-alikes have all in common.

use super::limits::{SEARCH_SLIP_CHARS_MIN, SEARCH_SPELT_CHARS_MIN};
use super::username::skeleton;

/// How near a word is to one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// The same.
    Same,
    /// Other characters that look alike.
    Alike,
    /// One slip apart.
    Slip,
}

/// A number of at most 47 bits, which takes six bytes in an embedded database: words that share one by chance are
/// told apart when they are compared.
const HASH_BITS: u32 = 47;

/// How near two words are; nothing if they are further apart than one slip.
pub fn nearness(asked: &str, word: &str) -> Option<Nearness> {
    if asked == word {
        return Some(Nearness::Same);
    }
    let (asked, word): (Vec<char>, Vec<char>) = (looks(asked), looks(word));
    let longer = asked.len().max(word.len());
    if asked == word {
        return Some(Nearness::Alike);
    }
    (longer >= SEARCH_SLIP_CHARS_MIN && is_one_slip(&asked, &word)).then_some(Nearness::Slip)
}

/// The keys under which a word is found. A short word has none.
pub fn keys(word: &str) -> Vec<i64> {
    let word = looks(word);
    let length = word.len();
    if length < SEARCH_SPELT_CHARS_MIN {
        return Vec::new();
    }
    let (a, b) = thirds(length);
    let (first, second, third) = (&word[..a], &word[a..b], &word[b..]);
    vec![hash(length, 0, second, third), hash(length, 1, first, third), hash(length, 2, first, second)]
}

/// The keys of all words that are at most one slip from a word: some of theirs, each word's one at least.
pub fn keys_around(word: &str) -> Vec<i64> {
    let word = looks(word);
    let asked = word.len();
    if asked < SEARCH_SPELT_CHARS_MIN {
        return Vec::new();
    }
    let mut keys = Vec::new();
    for length in (asked - 1).max(SEARCH_SPELT_CHARS_MIN)..=asked + 1 {
        let (a, b) = thirds(length);
        // Before the slip, a part is where it should be; after it, where it should be as seen from the end.
        let from_end = |place: usize| (asked + place).checked_sub(length);
        let (start, end) = (|place: usize| word.get(..place), |place: usize| word.get(from_end(place)?..));
        let between = |from: usize, to: usize| word.get(from..to);
        let shifted = from_end(a).zip(from_end(b)).and_then(|(from, to)| between(from, to));
        keys.extend(shifted.zip(end(b)).map(|(second, third)| hash(length, 0, second, third)));
        keys.extend(start(a).zip(end(b)).map(|(first, third)| hash(length, 1, first, third)));
        keys.extend(start(a).zip(between(a, b)).map(|(first, second)| hash(length, 2, first, second)));
    }
    let (a, b) = thirds(asked);
    for border in [a, b] {
        let mut swapped = word.clone();
        swapped.swap(border - 1, border);
        keys.push(hash(asked, 2, &swapped[..a], &swapped[a..b]));
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn looks(word: &str) -> Vec<char> {
    skeleton(word).chars().collect()
}

/// Where the second and the last third begin.
fn thirds(length: usize) -> (usize, usize) {
    (length / 3, 2 * length / 3)
}

/// FNV-1a: stored, so it must be the same for ever.
fn hash(length: usize, left_out: u8, one: &[char], other: &[char]) -> i64 {
    let numbers = [u32::try_from(length).unwrap_or(u32::MAX), u32::from(left_out)];
    let parts =
        one.iter().map(|c| u32::from(*c)).chain([u32::MAX]).chain(other.iter().map(|c| u32::from(*c)));
    let hash = numbers.into_iter().chain(parts).fold(0xcbf2_9ce4_8422_2325_u64, |hash, number| {
        number
            .to_le_bytes()
            .iter()
            .fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
    });
    i64::try_from(hash >> (u64::BITS - HASH_BITS)).unwrap_or_default()
}

/// Whether one word becomes the other by one letter more, less or other, or by two neighbours that change places.
fn is_one_slip(one: &[char], other: &[char]) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match long.len() - short.len() {
        0 => match (short, long) {
            ([_, short @ ..], [_, long @ ..]) if short == long => true,
            ([a, b, short @ ..], [c, d, long @ ..]) => a == d && b == c && short == long,
            _ => false,
        },
        1 => long.get(1..) == Some(short),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_slip_is_one_letter_or_two_neighbours() {
        use Nearness::{Alike, Same, Slip};
        for (asked, word, near) in [
            ("alice", "alice", Some(Same)),
            ("a1ice", "alice", Some(Alike)),
            ("b0b", "bob", Some(Alike)),
            ("alcie", "alice", Some(Slip)),
            ("aalice", "alice", Some(Slip)),
            ("alce", "alice", Some(Slip)),
            ("alica", "alice", Some(Slip)),
            ("lice", "alice", Some(Slip)),
            ("alic", "alice", Some(Slip)),
            ("ana", "anna", Some(Slip)),
            // Of three letters, one is too much.
            ("rob", "bob", None),
            ("alcei", "alice", None),
            ("al", "alice", None),
            ("eilec", "alice", None),
            ("", "alice", None),
            ("山田花子", "山田太子", Some(Slip)),
        ] {
            assert_eq!(nearness(asked, word), near, "{asked} {word}");
            assert_eq!(nearness(word, asked), near, "{word} {asked}");
        }
    }

    #[test]
    fn keys_stay_the_same_for_ever() {
        assert_eq!(keys("alice"), KEYS_OF_ALICE);
        assert!(keys("al").is_empty());
        assert!(keys_around("charlotte").len() <= 11);
    }

    /// As they were first stored.
    const KEYS_OF_ALICE: [i64; 3] = [64_429_785_504_114, 72_774_185_663_468, 48_365_470_186_775];

    proptest! {
        /// Whatever the slip, the word is found by a key.
        #[test]
        fn words_one_slip_apart_share_a_key(word in "[a-z0-9é山]{3,30}", at: prop::sample::Index, kind in 0..4, c in "[a-z0-9]") {
            let mut letters: Vec<char> = word.chars().collect();
            let place = at.index(letters.len());
            match kind {
                0 => { letters.remove(place); }
                1 => letters.insert(place, c.chars().next().unwrap()),
                2 => letters[place] = c.chars().next().unwrap(),
                _ => { let next = (place + 1) % letters.len(); if next > 0 { letters.swap(place, next); } }
            }
            let asked: String = letters.into_iter().collect();
            if asked.chars().count() >= SEARCH_SPELT_CHARS_MIN {
                let around = keys_around(&asked);
                prop_assert!(keys(&word).iter().any(|key| around.contains(key)), "{} {}", asked, word);
            }
        }
    }
}
