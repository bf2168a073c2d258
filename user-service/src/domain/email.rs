//! E-mail addresses: enough syntax to catch slips and abuse. Only a delivered mail proves the rest.

use std::fmt;

use serde::Serialize;

use super::field::{Refusal, code};
use super::limits::{EMAIL_BYTES_MAX, EMAIL_LOCAL_PART_BYTES_MAX};
use super::web_address::is_public_host;

/// An ASCII e-mail address: the part before the `@` as its owner wrote it, the domain in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Email(String);

/// Why an e-mail address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailProblem {
    /// More than [`EMAIL_BYTES_MAX`] bytes, or more than [`EMAIL_LOCAL_PART_BYTES_MAX`] before the `@`.
    #[error(
        "an e-mail address has at most {EMAIL_BYTES_MAX} bytes, {EMAIL_LOCAL_PART_BYTES_MAX} of them before the '@'"
    )]
    TooLong,
    /// A space, a control character or something other than ASCII.
    #[error("an e-mail address consists of ASCII characters without spaces")]
    InvalidCharacters,
    /// Not of the form `name@domain.tld`.
    #[error("an e-mail address has the form name@domain.tld")]
    InvalidFormat,
}

impl Refusal for EmailProblem {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLong => code::TOO_LONG,
            Self::InvalidCharacters => code::INVALID_CHARACTERS,
            Self::InvalidFormat => code::INVALID_FORMAT,
        }
    }
}

impl Email {
    /// Reads an address. Non-ASCII is refused, not mapped: `m\u{131}ke@` and `mi\u{212a}e@` (dotless i, Kelvin
    /// sign) become somebody else's address under one or the other rule of upper and lower case.
    pub fn parse(raw: &str) -> Result<Self, EmailProblem> {
        if raw.len() > EMAIL_BYTES_MAX {
            return Err(EmailProblem::TooLong);
        }
        if !raw.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(EmailProblem::InvalidCharacters);
        }
        let (local_part, domain) = raw.split_once('@').ok_or(EmailProblem::InvalidFormat)?;
        if local_part.len() > EMAIL_LOCAL_PART_BYTES_MAX {
            return Err(EmailProblem::TooLong);
        }
        if !is_dot_atom(local_part) || !is_public_host(domain) {
            return Err(EmailProblem::InvalidFormat);
        }
        Ok(Self(format!("{local_part}@{}", domain.to_ascii_lowercase())))
    }

    /// An address as the database has it, which was parsed when it was written.
    pub fn from_stored(address: String) -> Self {
        Self(address)
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is unique across people: the whole address in lower case. Mail providers may tell apart names
    /// that differ in case, but none that we know of does, and people do not.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Whose mailbox it is, for limits: many providers ignore what follows a `+`.
    pub fn counted(&self) -> String {
        let key = self.key();
        match key.split_once('@') {
            Some((local, host)) => format!("{}@{host}", local.split('+').next().unwrap_or(local)),
            None => key,
        }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 5322 `dot-atom`. Quoted names are allowed there, used by nobody, and a source of confusion.
fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte))
}

fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &str, expected: Result<&str, EmailProblem>) {
        assert_eq!(Email::parse(raw).as_ref().map(Email::as_str), expected.as_ref().copied(), "{raw:?}");
    }

    #[test]
    fn addresses_are_accepted_with_the_domain_in_lower_case() {
        for (raw, address) in [
            ("alice@example.com", "alice@example.com"),
            ("Alice.B+tag@Example.COM", "Alice.B+tag@example.com"),
            ("o'hara_1@mail.example.co.uk", "o'hara_1@mail.example.co.uk"),
            ("a@b.io", "a@b.io"),
            ("x@1and1.com", "x@1and1.com"),
            ("x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        ] {
            check(raw, Ok(address));
        }
        let longest = format!(
            "{}@{}.example.com",
            "x".repeat(64),
            ["y".repeat(59), "z".repeat(58), "w".repeat(58)].join(".")
        );
        assert_eq!(longest.len(), EMAIL_BYTES_MAX);
        check(&longest, Ok(&longest));
    }

    #[test]
    fn what_follows_a_plus_is_the_same_mailbox() {
        for (address, counted) in
            [("Ann+a+b@example.com", "ann@example.com"), ("ann@example.com", "ann@example.com")]
        {
            assert_eq!(Email::parse(address).unwrap().counted(), counted);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        use EmailProblem::{InvalidCharacters, InvalidFormat, TooLong};
        for (raw, problem) in [
            ("", InvalidFormat),
            ("alice", InvalidFormat),
            ("@example.com", InvalidFormat),
            ("alice@", InvalidFormat),
            ("a@b@example.com", InvalidFormat),
            ("a@@example.com", InvalidFormat),
            (".a@example.com", InvalidFormat),
            ("a.@example.com", InvalidFormat),
            ("a..b@example.com", InvalidFormat),
            ("a,b@example.com", InvalidFormat),
            ("<a@example.com>", InvalidFormat),
            ("\"a\"@example.com", InvalidFormat),
            ("a@localhost", InvalidFormat),
            ("a@example..com", InvalidFormat),
            ("a@.example.com", InvalidFormat),
            ("a@example.com.", InvalidFormat),
            ("a@-example.com", InvalidFormat),
            ("a@example-.com", InvalidFormat),
            ("a@exa_mple.com", InvalidFormat),
            ("a@127.0.0.1", InvalidFormat),
            ("a@[127.0.0.1]", InvalidFormat),
            ("a b@example.com", InvalidCharacters),
            (" a@example.com", InvalidCharacters),
            ("a@example.com\n", InvalidCharacters),
            ("a@example.com\r\nBcc: b@example.com", InvalidCharacters),
            ("a\0@example.com", InvalidCharacters),
            ("m\u{131}ke@example.com", InvalidCharacters),
            ("mi\u{212a}e@example.com", InvalidCharacters),
            ("mike@e\u{445}ample.com", InvalidCharacters),
            (&format!("{}@example.com", "x".repeat(65)), TooLong),
            (&format!("a@{}com", "example.".repeat(40)), TooLong),
            (&format!("a@{}.com", "x".repeat(64)), InvalidFormat),
        ] {
            check(raw, Err(problem));
        }
    }

    #[test]
    fn one_key_whatever_the_case() {
        let key = |raw| Email::parse(raw).unwrap().key();
        assert_eq!(key("Alice@Example.com"), key("aLICE@eXAMPLE.COM"));
        assert_ne!(key("alice@example.com"), key("alice+1@example.com"));
    }

    proptest! {
        #[test]
        fn parsing_and_the_key_are_idempotent(raw in "[a-zA-Z0-9.+-]{1,8}@[a-zA-Z0-9-]{1,5}\\.[a-zA-Z]{2,4}") {
            if let Ok(email) = Email::parse(&raw) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                let key = Email::parse(&email.key()).unwrap();
                prop_assert_eq!(key.key(), key.as_str());
            }
        }
    }
}
