//! The name by which people find each other: one spelling, and no two names that look alike.

use serde::Serialize;

use super::field::{Refusal, code};
use super::limits::{USERNAME_CHARS_MAX, USERNAME_CHARS_MIN};
use super::reserved::is_reserved;

/// A username in its one spelling: `[a-z0-9_.]{2,24}`, with no dot at either end and no two in a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Username(String);

/// Why a username is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameProblem {
    /// Fewer than [`USERNAME_CHARS_MIN`] characters.
    #[error("a username has at least {USERNAME_CHARS_MIN} characters")]
    TooShort,
    /// More than [`USERNAME_CHARS_MAX`] characters.
    #[error("a username has at most {USERNAME_CHARS_MAX} characters")]
    TooLong,
    /// Something other than letters, digits, `_` and `.`.
    #[error("a username consists of the letters a to z, digits, '_' and '.'")]
    InvalidCharacters,
    /// A dot at the start, at the end or beside another dot.
    #[error("a username neither starts nor ends with a '.', and has no two in a row")]
    MisplacedDot,
    /// A name that the service keeps for itself.
    #[error("this username is reserved")]
    Reserved,
}

impl Refusal for UsernameProblem {
    fn code(&self) -> &'static str {
        match self {
            Self::TooShort => code::TOO_SHORT,
            Self::TooLong => code::TOO_LONG,
            Self::InvalidCharacters => code::INVALID_CHARACTERS,
            Self::MisplacedDot => code::INVALID_FORMAT,
            Self::Reserved => code::RESERVED,
        }
    }
}

impl Username {
    /// A name that somebody asks for: in its one spelling, and not reserved.
    pub fn parse(raw: &str) -> Result<Self, UsernameProblem> {
        let name = Self::parse_any(raw)?;
        if is_reserved(&name.0) { Err(UsernameProblem::Reserved) } else { Ok(name) }
    }

    /// A name in its one spelling, reserved or not: to look somebody up, and for the operator's own accounts.
    pub fn parse_any(raw: &str) -> Result<Self, UsernameProblem> {
        // ASCII only on purpose: Unicode's lower case turns the Kelvin sign into a plain `k`.
        let name = raw.to_ascii_lowercase();
        if !name.bytes().all(is_allowed) {
            return Err(UsernameProblem::InvalidCharacters);
        }
        if name.len() < USERNAME_CHARS_MIN {
            return Err(UsernameProblem::TooShort);
        }
        if name.len() > USERNAME_CHARS_MAX {
            return Err(UsernameProblem::TooLong);
        }
        if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
            return Err(UsernameProblem::MisplacedDot);
        }
        Ok(Self(name))
    }

    /// A name as the database has it, which was parsed when it was written.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// Whether any name may begin with this, in lower case.
    pub fn may_begin(prefix: &str) -> bool {
        prefix.len() <= USERNAME_CHARS_MAX && prefix.bytes().all(is_allowed)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the name looks like. Two names of different people never have the same skeleton.
    ///
    /// Each character is replaced by the first of its class: `o 0`, `i l 1`, `e 3`, `a 4`, `s 5`, `t 7`.
    /// `i` and `l` are one class because `1` looks like both, and a class has no half members. No class
    /// has two digits, so names that differ only in their number (`n1`, `n7`, `n10`) stay different, and
    /// `_` and `.` stay, so `a_b` and `a.b` do too. Sequences (`rn` beside `m`) are not folded.
    pub fn skeleton(&self) -> String {
        skeleton(&self.0)
    }
}

impl std::fmt::Display for Username {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// [`Username::skeleton`] of any text in lower case.
pub(super) fn skeleton(name: &str) -> String {
    name.chars().map(look_alike).collect()
}

fn is_allowed(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.')
}

/// The first of the class of characters that look like `c`.
fn look_alike(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | 'l' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn check(raw: &str, expected: Result<&str, UsernameProblem>) {
        assert_eq!(
            Username::parse(raw).as_ref().map(Username::as_str),
            expected.as_ref().copied(),
            "{raw:?}"
        );
    }

    #[test]
    fn a_username_has_one_spelling() {
        for (raw, name) in [
            ("Alice", "alice"),
            ("a_b", "a_b"),
            ("a.b", "a.b"),
            ("_x", "_x"),
            ("x_", "x_"),
            ("__", "__"),
            ("zz", "zz"),
            ("12", "12"),
            ("abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvwx"),
        ] {
            check(raw, Ok(name));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        use UsernameProblem::{InvalidCharacters, MisplacedDot, Reserved, TooLong, TooShort};
        for (raw, problem) in [
            ("", TooShort),
            ("a", TooShort),
            ("abcdefghijklmnopqrstuvwxy", TooLong),
            (".ab", MisplacedDot),
            ("ab.", MisplacedDot),
            ("a..b", MisplacedDot),
            ("..", MisplacedDot),
            ("a b", InvalidCharacters),
            (" ab", InvalidCharacters),
            ("a-b", InvalidCharacters),
            ("a@b", InvalidCharacters),
            ("ab\0", InvalidCharacters),
            ("ab\n", InvalidCharacters),
            ("caf\u{e9}", InvalidCharacters),
            ("m\u{131}ke", InvalidCharacters),        // dotless i
            ("mi\u{212a}e", InvalidCharacters),       // Kelvin sign
            ("p\u{430}ul", InvalidCharacters),        // Cyrillic a
            ("\u{1d2e}\u{1d35}g", InvalidCharacters), // superscript letters
            ("admin", Reserved),
        ] {
            check(raw, Err(problem));
        }
    }

    #[test]
    fn a_reserved_name_can_still_be_looked_up() {
        assert_eq!(Username::parse_any("Admin").unwrap().as_str(), "admin");
        assert_eq!(Username::parse_any("a..b"), Err(UsernameProblem::MisplacedDot));
    }

    fn check_skeleton(one: &str, other: &str, alike: bool) {
        let skeleton = |raw| Username::parse_any(raw).unwrap().skeleton();
        assert_eq!(skeleton(one) == skeleton(other), alike, "{one} {other}");
    }

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        for (one, other) in [
            ("adm1n", "admin"),
            ("ADMIN", "admin"),
            ("paypa1", "paypal"),
            ("a1ice", "alice"),
            ("al1ce", "alice"),
            ("alic3", "alice"),
            ("b0b", "bob"),
            ("d4ve", "dave"),
            ("5am", "sam"),
            ("7om", "tom"),
            ("lan", "ian"),
            ("n0", "no"),
        ] {
            check_skeleton(one, other, true);
        }
    }

    #[test]
    fn names_that_merely_resemble_each_other_stay_different() {
        for (one, other) in [
            ("corner", "comer"),
            ("a_b", "a.b"),
            ("a_b", "ab"),
            ("user1", "user2"),
            ("alice1", "alice2"),
            ("alice", "alice1"),
            ("n1", "n7"),
            ("n1", "n10"),
            ("n10", "n11"),
            ("n3", "n8"),
            ("b2", "bz"),
            ("b6", "bb"),
            ("vv", "w_"),
        ] {
            check_skeleton(one, other, false);
        }
    }

    #[test]
    fn numbered_names_never_collide() {
        let names = (0..20_000).chain(99_990_000..=100_000_000).map(|n| format!("n{n}"));
        let skeletons: HashSet<String> = names.map(|name| skeleton(&name)).collect();
        assert_eq!(skeletons.len(), 20_000 + 10_001);
    }

    /// Whatever the rules of case make of a character, they make nothing else of it the second time.
    #[test]
    fn every_character_that_there_is_has_one_form() {
        for c in '\0'..=char::MAX {
            for raw in [format!("a{c}z"), format!("{c}az"), format!("az{c}")] {
                let Ok(name) = Username::parse_any(&raw) else { continue };
                assert!(c.is_ascii(), "{c:?} is nobody's spelling of another");
                assert_eq!(Username::parse_any(name.as_str()), Ok(name.clone()), "{raw:?}");
                assert_eq!(skeleton(&name.skeleton()), name.skeleton(), "{raw:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent(raw in "\\PC{0,30}|[A-Za-z0-9_.]{0,26}") {
            if let Ok(name) = Username::parse(&raw) {
                prop_assert_eq!(Username::parse(name.as_str()), Ok(name));
            }
        }

        #[test]
        fn the_skeleton_is_idempotent(raw in "[a-zA-Z0-9_.]{2,24}") {
            if let Ok(name) = Username::parse_any(&raw) {
                let once = name.skeleton();
                prop_assert_eq!(skeleton(&once), once.clone());
                prop_assert_eq!(once.len(), name.as_str().len());
            }
        }

        #[test]
        fn different_numbers_look_different(stem in "[a-z]{1,10}", one: u32, other: u32) {
            let alike = skeleton(&format!("{stem}{one}")) == skeleton(&format!("{stem}{other}"));
            prop_assert_eq!(alike, one == other);
        }
    }
}
