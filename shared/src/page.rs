//! Pages of a list: how many rows, from where, and an opaque cursor to the next.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::problem::Problem;

/// Rows on a page when the caller does not say.
pub const LIMIT_DEFAULT: i64 = 20;
/// Rows on a page at the most; more is clamped to this.
pub const LIMIT_MAX: i64 = 100;
const CURSOR_VERSION: u8 = 1;
const CHECK_BYTES: usize = 8;
const CURSOR_BYTES: usize = 1 + 16 + CHECK_BYTES;
/// How a cursor looks in OpenAPI: its bytes in base64url.
pub(crate) const CURSOR_PATTERN: &str = "^[A-Za-z0-9_-]{34}$";

/// A page of a list. `next_cursor` is there only if another row exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts; null on the last page.
    pub next_cursor: Option<String>,
}

/// A page of a list whose length is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CountedPage<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many rows a walk through all pages lists.
    pub total: usize,
    /// Where the next page starts; null on the last page.
    pub next_cursor: Option<String>,
}

/// A place in a list: the sort key and the id of the last row seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The list's sort key.
    pub key: i64,
    /// Tells apart rows with the same key.
    pub id: i64,
}

/// What a page is asked for: parsed and bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// 1..=[`LIMIT_MAX`].
    pub limit: i64,
    /// Continue after this row.
    pub after: Option<Position>,
}

impl PageRequest {
    /// Parses the `limit` and `cursor` of a query for the list called `list`, a text that names the
    /// list, its owner and its order, so that a cursor of any other list is refused.
    pub fn parse(list: &str, limit: Option<&str>, cursor: Option<&str>) -> Result<Self, Problem> {
        let after = cursor.map(|text| decode(list, text).ok_or_else(invalid_cursor)).transpose()?;
        Ok(Self { limit: parse_limit(limit, LIMIT_DEFAULT, LIMIT_MAX)?, after })
    }

    /// How many rows to load: one more than the page holds, to know whether there is another.
    pub fn rows_to_load(self) -> i64 {
        self.limit + 1
    }

    /// Makes the page from the rows loaded, which are at most [`Self::rows_to_load`].
    pub fn page<T>(self, list: &str, mut rows: Vec<T>, position: impl Fn(&T) -> Position) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| encode(list, position(last)));
        Page { items: rows, next_cursor }
    }
}

/// Parses a `limit`: absent is the default, above the maximum is clamped, below 1 or no number is 400.
pub fn parse_limit(limit: Option<&str>, default: i64, max: i64) -> Result<i64, Problem> {
    let Some(text) = limit else { return Ok(default) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(limit) if digits && limit >= 1 => Ok(limit.min(max)),
        // All digits, but more than 64 bits: above the maximum as well.
        Err(_) if digits => Ok(max),
        _ => Err(Problem::malformed("invalid_limit", format!("limit is a number from 1 to {max}."))),
    }
}

fn invalid_cursor() -> Problem {
    Problem::malformed("invalid_cursor", "The cursor is damaged or belongs to another list.")
}

fn encode(list: &str, position: Position) -> String {
    let mut bytes = Vec::with_capacity(CURSOR_BYTES);
    bytes.push(CURSOR_VERSION);
    bytes.extend(position.key.to_be_bytes());
    bytes.extend(position.id.to_be_bytes());
    bytes.extend(check(list, &bytes));
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(list: &str, text: &str) -> Option<Position> {
    // The length bound comes first: a cursor is never worth decoding a megabyte.
    let bytes =
        Some(text).filter(|text| text.len() <= 2 * CURSOR_BYTES).map(|t| URL_SAFE_NO_PAD.decode(t))?.ok()?;
    let (body, sum) = bytes.split_at_checked(CURSOR_BYTES - CHECK_BYTES)?;
    let (version, numbers) = body.split_first()?;
    let (key, id) = numbers.split_first_chunk::<8>()?;
    let position = Position { key: i64::from_be_bytes(*key), id: i64::from_be_bytes(id.try_into().ok()?) };
    // Whoever knows this code can make the sum: what no list has is refused all the same.
    let possible = position.key >= 0 && position.id >= 0;
    let intact = *version == CURSOR_VERSION && sum == check(list, body);
    Some(position).filter(|_| intact && possible)
}

/// Not a secret: it catches damage and mix-ups. A forged position shows nothing that the list would not.
fn check(list: &str, body: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(list.as_bytes()).chain_update([0]).chain_update(body).finalize();
    let mut sum = [0; CHECK_BYTES];
    sum.copy_from_slice(&digest[..CHECK_BYTES]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Position = Position { key: 7, id: i64::MAX };

    #[test]
    fn a_cursor_comes_back_and_only_to_its_own_list() {
        let text = encode("a:1:newest", PLACE);
        assert!(CURSOR_PATTERN.contains(&format!("{{{}}}", text.len())), "{}", text.len());
        assert_eq!(decode("a:1:newest", &text), Some(PLACE));
        assert_eq!(decode("a:2:newest", &text), None);
        assert_eq!(decode("a:1:oldest", &text), None);
        assert_eq!(decode("a", &encode("a", Position { key: i64::MIN, id: 1 })), None);
    }

    #[test]
    fn any_damage_is_noticed() {
        let text = encode("a", PLACE);
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(decode("a", std::str::from_utf8(&damaged).unwrap()), None, "at {at}");
        }
        for bad in ["", "x", &text[1..], &format!("{text}A"), "🦀", &"A".repeat(10_000)] {
            assert_eq!(decode("a", bad), None);
        }
    }

    #[test]
    fn limits_are_clamped_above_and_refused_below() {
        let parse_limit = |text| parse_limit(text, 20, 100);
        assert_eq!(parse_limit(None), Ok(20));
        assert_eq!(parse_limit(Some("1")), Ok(1));
        assert_eq!(parse_limit(Some("101")), Ok(100));
        assert_eq!(parse_limit(Some("99999999999999999999")), Ok(100));
        for bad in ["0", "-1", "+5", "abc", "", " 5", "1.5", "-99999999999999999999"] {
            assert!(parse_limit(Some(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_next_cursor_is_there_only_if_another_row_exists() {
        let request = PageRequest { limit: 2, after: None };
        let place = |row: &i64| Position { key: *row, id: *row };
        assert_eq!(request.page("a", vec![1, 2], place).next_cursor, None);
        let page = request.page("a", vec![1, 2, 3], place);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(page.next_cursor, Some(encode("a", Position { key: 2, id: 2 })));
    }
}
