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
    T: FromStr<Err = InvalidId> + Copy + Ord + Hash,
{
    let most = text.bytes().filter(|&byte| byte == b',').count() + 1;
    let mut ids: Vec<T> = Vec::with_capacity(most);
    for part in text.split(',') {
        ids.push(part.parse().map_err(|error| Problem::malformed("invalid_id", format!("ids: {error}.")))?);
    }
    if ids.len() > 1 {
        collapse(&mut ids);
    }
    if ids.len() > max {
        return Err(Problem::malformed("too_many_ids", format!("At most {max} ids at once.")));
    }
    Ok(ids)
}

/// Leaves the first of equal ids. Mostly all are different, which is found out without hashing them.
fn collapse<T: Copy + Ord + Hash>(ids: &mut Vec<T>) {
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < ids.len() {
        let mut seen = HashSet::with_capacity(sorted.len());
        ids.retain(|id| seen.insert(*id));
    }
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
