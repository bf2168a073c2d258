//! Searching for people: what is asked for, what a person is found by, and who comes first.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::account::User;
use super::folding::{add, fold, joined, words};
use super::limits::{SEARCH_PAIRED_WORDS_MAX, SEARCH_QUERY_CHARS_MAX};
use super::spelling::{Nearness, nearness};

/// Raised whenever a person is to be found by other terms than before: then all are indexed again.
pub const INDEX_VERSION: i64 = 1;

/// What a term is of a person. The numbers stand in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermKind {
    /// The username.
    Name = 0,
    /// A word of the username or the display name, or one of these as a whole, without what parts its words.
    Word = 1,
    /// Two words of the display name, one after the other, in either order.
    Pair = 2,
}

impl TermKind {
    /// The number that stands for the kind in the database.
    pub const fn to_code(self) -> i64 {
        match self {
            Self::Name => 0,
            Self::Word => 1,
            Self::Pair => 2,
        }
    }
}

/// What a person is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// What it is of the person.
    pub kind: TermKind,
    /// Folded.
    pub text: String,
}

/// All that a person is found by: nothing for those whom others do not see.
pub fn terms(user: &User) -> BTreeSet<Term> {
    if !user.is_visible() {
        return BTreeSet::new();
    }
    let looks = Looks::of(user.username.as_str(), &user.display_name);
    let of = |kind| move |text: String| Term { kind, text };
    let pairs = looks.pairs().into_iter().map(of(TermKind::Pair));
    let wholes = [looks.name_joined, looks.display_joined].into_iter().filter(|whole| !whole.is_empty());
    let words = looks.name_words.into_iter().chain(looks.display_words).chain(wholes);
    let name = Term { kind: TermKind::Name, text: looks.name };
    words.map(of(TermKind::Word)).chain(pairs).chain([name]).collect()
}

/// How search sees a person.
struct Looks {
    name: String,
    name_words: Vec<String>,
    name_joined: String,
    display_words: Vec<String>,
    display_joined: String,
}

impl Looks {
    fn of(name: &str, display_name: &str) -> Self {
        let display = fold(display_name);
        Self {
            name: name.to_owned(),
            name_words: name_words(name),
            name_joined: joined(name),
            display_words: words(&display),
            display_joined: joined(&display),
        }
    }

    /// Of the display name, or of the username where there is none.
    fn pairs(&self) -> Vec<String> {
        let words = if self.display_words.is_empty() { &self.name_words } else { &self.display_words };
        let words = &words[..words.len().min(SEARCH_PAIRED_WORDS_MAX)];
        let others = |one: usize| words.iter().enumerate().filter(move |(other, _)| *other != one);
        let pairs = words
            .iter()
            .enumerate()
            .flat_map(|(place, one)| others(place).map(move |(_, other)| pair(one, other)));
        pairs.collect()
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let wholes = [self.name_joined.as_str(), self.display_joined.as_str()];
        self.name_words.iter().chain(&self.display_words).map(String::as_str).chain(wholes)
    }
}

/// The parts of a username between dots and underscores, and what is letters alone: `ann_lee92` is `ann`, `lee92`
/// and `lee`.
fn name_words(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in name.split(['.', '_']) {
        add(&mut found, part);
        for letters in part.split(|c: char| c.is_ascii_digit()).filter(|letters| letters.len() > 1) {
            add(&mut found, letters);
        }
    }
    found
}

/// Two words as one term.
pub fn pair(one: &str, other: &str) -> String {
    joined(&format!("{one}{other}"))
}

/// Why a text cannot be searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryProblem {
    /// Nothing but white space.
    #[error("q is what to search for: at least one character")]
    Empty,
    /// Longer than any name.
    #[error("q has at most {SEARCH_QUERY_CHARS_MAX} characters")]
    TooLong,
    /// Control characters.
    #[error("q has no control characters")]
    InvalidCharacters,
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// As a username or the beginning of one.
    pub name: String,
    /// Its words.
    pub words: Vec<String>,
    /// Its words as one.
    pub joined: String,
}

impl Query {
    /// Parses what somebody typed. A leading `@` is how some write a username.
    pub fn parse(raw: &str) -> Result<Self, QueryProblem> {
        let normal: String = raw.nfc().collect();
        let text = normal.trim();
        let text = text.strip_prefix('@').map_or(text, str::trim_start);
        if text.is_empty() {
            return Err(QueryProblem::Empty);
        }
        if text.chars().count() > SEARCH_QUERY_CHARS_MAX {
            return Err(QueryProblem::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(QueryProblem::InvalidCharacters);
        }
        let name = fold(text);
        Ok(Self { words: words(&name), joined: joined(&name), name })
    }

    /// How well a person matches: nothing if not at all.
    pub fn rank(&self, username: &str, display_name: &str) -> Option<Rank> {
        if let Some(rest) = self.name_rest(username) {
            return Some(rest);
        }
        if self.words.is_empty() {
            return None;
        }
        let looks = Looks::of(username, display_name);
        self.rank_by_words(&looks).or_else(|| self.rank_by_spelling(&looks))
    }

    /// Stands for the question in its cursors.
    pub fn list(&self) -> String {
        format!("search:{}", self.name)
    }

    /// The rank by the username alone, if it is what is asked for or begins so.
    pub fn name_rest(&self, username: &str) -> Option<Rank> {
        let rest = username.strip_prefix(self.name.as_str()).filter(|_| !self.name.is_empty())?;
        Some(if rest.is_empty() { Rank::new(Tier::Exact, 0) } else { Rank::of_prefix(rest) })
    }

    fn rank_by_words(&self, looks: &Looks) -> Option<Rank> {
        let whole = |matches: fn(&str, &str) -> bool| {
            [&looks.name_joined, &looks.display_joined].iter().any(|whole| matches(whole, &self.joined))
        };
        let each = |matches: fn(&str, &str) -> bool| {
            self.words.iter().all(|asked| looks.words().any(|word| matches(word, asked)))
        };
        let starts = |word: &str, asked: &str| word.starts_with(asked);
        let detail = match () {
            () if whole(|word, asked| word == asked) => 0,
            () if each(|word, asked| word == asked) => 1,
            () if whole(starts) => 2,
            () if each(starts) => 3,
            () => return None,
        };
        Some(Rank::new(Tier::Words, detail))
    }

    fn rank_by_spelling(&self, looks: &Looks) -> Option<Rank> {
        let apart = self.words.iter().map(|asked| cost(asked, looks)).sum::<Option<u8>>();
        let together = cost(&self.joined, looks);
        let cost = [apart, together].into_iter().flatten().min()?;
        Some(Rank::new(Tier::Spelling, cost))
    }
}

/// How far the nearest word is from one that is asked for. A wrong first letter is the rarest slip.
fn cost(asked: &str, looks: &Looks) -> Option<u8> {
    let costs = looks.words().filter_map(|word| {
        if word.starts_with(asked) {
            return Some(0);
        }
        Some(match nearness(asked, word)? {
            Nearness::Same => 0,
            Nearness::Alike => 1,
            Nearness::Slip if asked.chars().next() == word.chars().next() => 2,
            Nearness::Slip => 3,
        })
    });
    costs.min()
}

/// Why a person is found. Each comes before all of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// The username is what is asked for.
    Exact,
    /// The username begins so.
    Prefix,
    /// All words are there, or words that begin so.
    Words,
    /// All words are there, but for the spelling.
    Spelling,
}

/// Where a person stands among those who are found, the best first. Those of one rank are in the order of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Why.
    pub tier: Tier,
    /// How well.
    detail: u8,
    /// What the username goes on with.
    rest: i64,
}

/// Characters of a username's rest that decide the order: as many as fit beside tier and detail.
const REST_CHARS: usize = 8;
const REST_CHAR_BITS: u32 = 6;
const REST_BITS: u32 = 48;
const DETAIL_BITS: u32 = 8;

impl Rank {
    const fn new(tier: Tier, detail: u8) -> Self {
        Self { tier, detail, rest: 0 }
    }

    /// By the alphabet, as names are read from the index, so that a bound cuts off the last of them.
    fn of_prefix(rest: &str) -> Self {
        let place = |byte: u8| match byte {
            b'.' => 1,
            b'0'..=b'9' => i64::from(byte - b'0') + 2,
            b'_' => 12,
            b'a'..=b'z' => i64::from(byte - b'a') + 13,
            _ => 63,
        };
        let bytes = rest.bytes().map(place).chain(std::iter::repeat(0)).take(REST_CHARS);
        let rest = bytes.fold(0, |rest, place| (rest << REST_CHAR_BITS) | place);
        Self { tier: Tier::Prefix, detail: 0, rest }
    }

    /// The same order as a number that is not negative.
    pub fn key(self) -> i64 {
        let tier = match self.tier {
            Tier::Exact => 0,
            Tier::Prefix => 1,
            Tier::Words => 2,
            Tier::Spelling => 3,
        };
        (((tier << DETAIL_BITS) | i64::from(self.detail)) << REST_BITS) | self.rest
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
