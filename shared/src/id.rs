//! 64-bit, time-ordered ids: 41 bits of milliseconds, 10 bits of node, 12 bits of sequence.
//!
//! The layout is Twitter's Snowflake (2010). On the wire an id is always a decimal string, because
//! JSON numbers lose precision above 2^53 in most clients.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::{Clock, Micros};

/// 2025-01-01T00:00:00Z in Unix milliseconds: ids count from here and last until 2094.
const EPOCH_MS: i64 = 1_735_689_600_000;
const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 12;
/// The largest node number that an [`IdGenerator`] accepts.
pub const NODE_MAX: u16 = (1 << NODE_BITS) - 1;

/// The text is not a positive 64-bit decimal number in canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a positive 64-bit decimal number without sign or leading zeros")]
pub struct InvalidId;

/// Parses the canonical decimal form, and nothing else, so that every id has exactly one spelling.
pub fn parse_id(text: &str) -> Result<i64, InvalidId> {
    if text.is_empty() || text.starts_with('0') {
        return Err(InvalidId);
    }
    text.bytes().try_fold(0_i64, add_digit).ok_or(InvalidId)
}

fn add_digit(number: i64, byte: u8) -> Option<i64> {
    let digit = byte.wrapping_sub(b'0');
    if digit > 9 { None } else { number.checked_mul(10)?.checked_add(digit.into()) }
}

/// Writes an id as the decimal string that it is on the wire.
#[doc(hidden)]
pub fn serialize_id<S: serde::Serializer>(id: i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(itoa::Buffer::new().format(id))
}

/// Declares a newtype over `i64` that is a decimal string on the wire and in OpenAPI.
#[macro_export]
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a number that is known to be an id.
            pub const fn new(value: i64) -> Self {
                Self(value)
            }

            /// The number, as databases store it.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::id::InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::id::parse_id(text).map(Self)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::id::serialize_id(self.0, serializer)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::text::read_text(deserializer, str::parse)
            }
        }

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::schema::Schema> {
                $crate::id::id_schema()
            }
        }

        impl ::utoipa::ToSchema for $name {}
    };
}

/// An id as a pattern. It leaves out the highest thirtieth, which comes after seventy years, for being read.
const PATTERN: &str = "([1-9][0-9]{0,17}|[1-8][0-9]{18})";

/// How a list of ids in a query looks in OpenAPI.
pub(crate) fn ids_pattern() -> String {
    format!("^{PATTERN}(,{PATTERN})*$")
}

/// How every id looks in OpenAPI.
pub fn id_schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    use utoipa::openapi::schema::{ObjectBuilder, Type};
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(format!("^{PATTERN}$")))
        .examples(["4503599627370496"])
        .into()
}

typed_id! {
    /// A person's account.
    UserId
}

typed_id! {
    /// One signed-in device: the family of refresh tokens that came from one login.
    SessionId
}

/// When an id was made, to the millisecond; of a number that is none of ours, something.
pub const fn made_at(id: i64) -> Micros {
    Micros::from_millis((id >> (NODE_BITS + SEQUENCE_BITS)) + EPOCH_MS)
}

/// Makes ids that are unique and increasing for one node, from any thread.
#[derive(Debug)]
pub struct IdGenerator {
    clock: Clock,
    node: AtomicI64,
    /// Milliseconds and sequence of the last id, as one number.
    last: AtomicI64,
}

impl IdGenerator {
    /// `node` tells apart processes that make ids for the same tables; it is reduced to [`NODE_MAX`].
    pub fn new(clock: Clock, node: u16) -> Self {
        Self { clock, node: AtomicI64::new(i64::from(node & NODE_MAX)), last: AtomicI64::new(0) }
    }

    /// The node.
    pub fn node(&self) -> u16 {
        u16::try_from(self.node.load(Ordering::Relaxed)).unwrap_or(NODE_MAX)
    }

    /// From here on ids are of another node.
    pub fn set_node(&self, node: u16) {
        self.node.store(i64::from(node & NODE_MAX), Ordering::Relaxed);
    }

    /// The next id. When the clock stands still or steps back, the sequence runs on ahead of it.
    pub fn next(&self) -> i64 {
        let now = (self.clock.now().as_millis() - EPOCH_MS).max(1) << SEQUENCE_BITS;
        let advance = |last: i64| now.max(last + 1);
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(advance(last)));
        let stamp = advance(last.unwrap_or_else(|last| last));
        let (millis, sequence) = (stamp >> SEQUENCE_BITS, stamp & ((1 << SEQUENCE_BITS) - 1));
        let node = self.node.load(Ordering::Relaxed);
        (millis << (NODE_BITS + SEQUENCE_BITS)) | (node << SEQUENCE_BITS) | sequence
    }

    /// The next id, typed.
    pub fn next_as<T>(&self, wrap: fn(i64) -> T) -> T {
        wrap(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_increasing_even_when_the_clock_stands_still() {
        let ids = IdGenerator::new(Clock::fixed(Micros::from_millis(EPOCH_MS + 5)), 7);
        let made: Vec<i64> = (0..10_000).map(|_| ids.next()).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|id| (id >> SEQUENCE_BITS) & i64::from(NODE_MAX) == 7));
    }

    #[test]
    fn an_id_tells_when_it_was_made() {
        let moment = Micros::from_millis(EPOCH_MS + 5);
        assert_eq!(made_at(IdGenerator::new(Clock::fixed(moment), 7).next()), moment);
        assert_eq!(made_at(1), Micros::from_millis(EPOCH_MS));
        assert!(made_at(i64::MAX) > moment);
    }

    #[test]
    fn only_the_canonical_spelling_is_an_id() {
        for bad in
            ["", "0", "-1", "+1", "01", "abc", " 1", "1 ", "9223372036854775808", "18446744073709551616"]
        {
            assert_eq!(parse_id(bad), Err(InvalidId), "{bad:?}");
        }
        assert_eq!(parse_id("9223372036854775807"), Ok(i64::MAX));
    }

    #[test]
    fn an_id_is_a_string_on_the_wire() {
        let id = UserId::new(7_213_000_000_000_000_001);
        let wire = serde_json::to_string(&id).unwrap();
        assert_eq!(wire, "\"7213000000000000001\"");
        assert_eq!(serde_json::from_str::<UserId>(&wire).unwrap(), id);
        assert!(serde_json::from_str::<UserId>("7213").is_err());
    }
}
