//! The grammar of a change: what is not mentioned stays as it is.

use serde::{Deserialize, Deserializer};

/// Reads a field that is there. With `#[serde(default)]`, an absent field is `None`; a `null` is read as
/// `T` reads it, so it clears an `Option` and is refused for everything else.
pub fn mentioned<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Takes over a new value, if one is mentioned. True if that changed anything.
pub fn set<T: PartialEq>(slot: &mut T, value: Option<T>) -> bool {
    let Some(value) = value else { return false };
    let changed = *slot != value;
    *slot = value;
    changed
}
