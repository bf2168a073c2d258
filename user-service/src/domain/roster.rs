//! Which people a moderator looks for.

use shared::clock::Micros;

use super::account::{Role, Status, User};
use super::username::Username;

/// What a person must be; everybody if nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    /// The state of the account.
    pub status: Option<Status>,
    /// The role.
    pub role: Option<Role>,
    /// With or without the badge.
    pub verified: Option<bool>,
    /// Registered then or later.
    pub created_since: Option<Micros>,
    /// Registered before.
    pub created_before: Option<Micros>,
}

/// People of one state, role and badge: the database keeps each class in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// The state of the account.
    pub status: Status,
    /// The role.
    pub role: Role,
    /// With the badge.
    pub verified: bool,
}

const STATUSES: [Status; 4] = [Status::Active, Status::Suspended, Status::Deactivated, Status::Deleted];

impl Filter {
    /// The classes that the filter lets through: 24 at the most.
    pub fn classes(self) -> Vec<Class> {
        let statuses = STATUSES.into_iter().filter(|status| self.status.is_none_or(|only| only == *status));
        let of_status = |status| {
            let roles = Role::ALL.into_iter().filter(move |role| self.role.is_none_or(|only| only == *role));
            roles.flat_map(move |role| {
                let badges = [false, true].into_iter();
                let badges = badges.filter(move |badge| self.verified.is_none_or(|only| only == *badge));
                badges.map(move |verified| Class { status, role, verified })
            })
        };
        statuses.flat_map(of_status).collect()
    }

    /// Whether a person is one of those asked for.
    pub fn matches(self, user: &User) -> bool {
        self.status.is_none_or(|status| status == user.status)
            && self.role.is_none_or(|role| role == user.role)
            && self.verified.is_none_or(|verified| verified == user.verified)
            && self.created_since.is_none_or(|since| user.created_at >= since)
            && self.created_before.is_none_or(|before| user.created_at < before)
    }
}

/// Reads the state of an account as answers have it.
pub fn parse_status(word: &str) -> Option<Status> {
    match word {
        "active" => Some(Status::Active),
        "suspended" => Some(Status::Suspended),
        "deactivated" => Some(Status::Deactivated),
        "deleted" => Some(Status::Deleted),
        _ => None,
    }
}

/// Characters that a name may have.
const ALPHABET: &[u8; 38] = b"._0123456789abcdefghijklmnopqrstuvwxyz";
/// Bits of each of the two numbers of a packed name, so that neither is below zero.
const PACKED_BITS: u32 = 63;

/// A name as two numbers, for the cursor of a list by name: one number to the base 38, whose digits count from one.
/// The longest names take 126 bits.
pub fn pack(name: &Username) -> Option<[i64; 2]> {
    let digit = |byte| ALPHABET.iter().position(|known| *known == byte);
    let packed = name.as_str().bytes().try_fold(0_u128, |number, byte| {
        let digit = u128::try_from(digit(byte)? + 1).ok()?;
        number.checked_mul(38)?.checked_add(digit)
    })?;
    let low = packed & ((1 << PACKED_BITS) - 1);
    Some([i64::try_from(packed >> PACKED_BITS).ok()?, i64::try_from(low).ok()?])
}

/// The name of two numbers; nothing if it cannot be one.
pub fn unpack([high, low]: [i64; 2]) -> Option<Username> {
    let mut rest = (u128::try_from(high).ok()? << PACKED_BITS) | u128::try_from(low).ok()?;
    let mut name = Vec::new();
    while rest > 0 {
        let digit = usize::try_from((rest - 1) % 38).ok()?;
        name.push(*ALPHABET.get(digit)?);
        rest = (rest - 1) / 38;
    }
    name.reverse();
    Username::parse_any(&String::from_utf8(name).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::account::alice;
    use super::*;

    #[test]
    fn the_classes_of_a_filter_are_those_that_it_matches() {
        for status in STATUSES.map(Some).into_iter().chain([None]) {
            for role in Role::ALL.map(Some).into_iter().chain([None]) {
                for verified in [Some(false), Some(true), None] {
                    let filter = Filter { status, role, verified, ..Filter::default() };
                    let all = Filter::default().classes();
                    let person = |class: &Class| User {
                        status: class.status,
                        role: class.role,
                        verified: class.verified,
                        ..alice()
                    };
                    let matched: Vec<Class> =
                        all.iter().copied().filter(|class| filter.matches(&person(class))).collect();
                    assert_eq!(filter.classes(), matched);
                }
            }
        }
        assert_eq!(Filter::default().classes().len(), 24);
    }

    #[test]
    fn the_span_of_registration_is_half_open() {
        let at = alice().created_at;
        let filter =
            |since, before| Filter { created_since: since, created_before: before, ..Filter::default() };
        let later = Micros::new(at.get() + 1);
        assert!(filter(Some(at), Some(later)).matches(&alice()));
        assert!(!filter(Some(later), None).matches(&alice()));
        assert!(!filter(None, Some(at)).matches(&alice()));
    }

    #[test]
    fn states_are_read_as_they_are_written() {
        for status in STATUSES {
            let word = serde_json::to_value(status).unwrap();
            assert_eq!(parse_status(word.as_str().unwrap()), Some(status));
        }
        assert_eq!(parse_status("Active"), None);
    }

    proptest! {
        #[test]
        fn a_packed_name_comes_back(name in "[a-z0-9_]{2,24}") {
            let name = Username::parse_any(&name).unwrap();
            let packed = pack(&name).unwrap();
            prop_assert!(packed.iter().all(|number| *number >= 0));
            prop_assert_eq!(unpack(packed), Some(name));
        }

        #[test]
        fn any_two_numbers_are_a_name_or_nothing(high in 0..=i64::MAX, low in 0..=i64::MAX) {
            if let Some(name) = unpack([high, low]) {
                prop_assert_eq!(pack(&name), Some([high, low]));
            }
        }
    }

    #[test]
    fn the_longest_names_fit() {
        for name in ["z".repeat(24), "_".repeat(24), "a.b".to_owned(), "zz".to_owned()] {
            let name = Username::parse_any(&name).unwrap();
            assert_eq!(unpack(pack(&name).unwrap()), Some(name));
        }
    }
}
