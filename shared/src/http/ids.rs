//! Many ids in one query: `ids=1,2,3`.

use std::collections::HashSet;
use std::hash::Hash;
use std::str::FromStr;

use crate::id::InvalidId;
use crate::problem::Problem;

/// Parses a list of ids: duplicates collapse, the order of first mention stays, more than `max`
/// distinct ones are refused.
pub fn parse_ids<T>(text: &str, max: usize) -> Result<Vec<T>, Problem>
where
    T: FromStr<Err = InvalidId> + Copy + Eq + Hash,
{
    let most = text.bytes().filter(|&byte| byte == b',').count().min(max) + 1;
    let mut seen = HashSet::with_capacity(most);
    let mut ids = Vec::with_capacity(most);
    for part in text.split(',') {
        let id: T =
            part.parse().map_err(|error| Problem::malformed("invalid_id", format!("ids: {error}.")))?;
        if seen.insert(id) {
            ids.push(id);
        }
        if ids.len() > max {
            return Err(Problem::malformed("too_many_ids", format!("At most {max} ids at once.")));
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UserId;

    #[test]
    fn ids_keep_their_order_and_collapse() {
        let ids: Vec<UserId> = parse_ids("3,1,3,2", 3).unwrap();
        assert_eq!(ids, [UserId::new(3), UserId::new(1), UserId::new(2)]);
        assert_eq!(parse_ids::<UserId>("1,2,3", 2).unwrap_err().code(), "too_many_ids");
        for bad in ["", ",", "1,", "a", "1, 2", "-1"] {
            assert_eq!(parse_ids::<UserId>(bad, 9).unwrap_err().code(), "invalid_id", "{bad:?}");
        }
    }
}
