//! Making a ranking: what is read for it, within the bounds of `domain`.

use std::collections::{HashMap, HashSet};

use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::page::PageRequest;

use super::suggestions::Basis;
use crate::domain::{
    BRIDGE_EDGES_MAX, BRIDGES_MAX, Bridge, CountDelta, EDGES_MAX, Evidence, FOLLOWERS_MAX, MOST_FOLLOWED_MAX,
    MOST_FOLLOWED_MIN, Onlooker, Pair, RECENT_EVENTS, Ranking, ReasonKind, may_see_lists, may_tell_followers,
};
use crate::store;
use crate::store::list::{List, Order};
use crate::store::suggestion::Held;

/// Ranks everybody whom the basis leads to, but whom the viewer follows, has asked or blocks.
pub(super) fn rank(conn: &mut Conn, basis: Basis, viewer: Option<UserId>) -> Result<Ranking, StoreError> {
    let held = match viewer {
        Some(viewer) => store::suggestion::held(conn, viewer, BRIDGES_MAX)?,
        None => Held::default(),
    };
    let mut evidence = Evidence::default();
    let people = match basis {
        Basis::Own => {
            evidence.kind = Some(ReasonKind::FriendsOfFriends);
            if let Some(viewer) = viewer {
                evidence.followers = newest_followers(conn, viewer, FOLLOWERS_MAX, None)?;
            }
            if held.newest_follows.is_empty() {
                evidence.most_followed = most_followed(conn)?;
            }
            held.newest_follows
        }
        Basis::FollowersOf(owner) => {
            evidence.kind = Some(ReasonKind::SharedFollowers);
            evidence.left_out.insert(owner);
            newest_followers(conn, owner, BRIDGES_MAX, viewer)?
        }
    };
    evidence.left_out.extend(viewer.into_iter().chain(held.targets));
    let people = bridges(conn, basis, viewer, &people)?;
    cross(conn, &people, &mut evidence)?;
    Ok(Ranking::new(evidence))
}

/// Those of `people` who may be told to the viewer as between them and somebody: whose lists the viewer may see, and
/// whom the viewer follows where that is the basis.
pub(super) fn bridges(
    conn: &mut Conn,
    basis: Basis,
    viewer: Option<UserId>,
    people: &[UserId],
) -> Result<Vec<UserId>, StoreError> {
    let facts = store::fact::known(conn, people)?;
    let keys: Vec<_> =
        viewer.iter().flat_map(|&viewer| people.iter().map(move |&person| (viewer, person))).collect();
    let pairs: HashMap<UserId, Pair> =
        store::pair::pairs(conn, &keys)?.into_iter().map(|((_, person), pair)| (person, pair)).collect();
    let may_be = |person: &UserId| {
        let pair = pairs.get(person).copied().unwrap_or_default();
        let reached = !pair.forward.is_block() && (basis != Basis::Own || pair.forward.is_follow());
        let seen =
            |known: &store::fact::KnownUser| may_see_lists(&known.facts, Onlooker::Other(pair)).is_ok();
        reached && Some(*person) != viewer && facts.get(person).is_some_and(seen)
    };
    Ok(people.iter().copied().filter(may_be).collect())
}

/// Adds the bridges and whom they follow. Those who hold least are read first: each of their edges says most, and most
/// bridges fit.
fn cross(conn: &mut Conn, people: &[UserId], evidence: &mut Evidence) -> Result<(), StoreError> {
    let counts = store::count::counts(conn, people)?;
    let counted = |person: &UserId| counts.get(person).copied().unwrap_or_default();
    let size = |person: &UserId| {
        let CountDelta { following, requests_sent, blocks, .. } = counted(person);
        following + requests_sent + blocks
    };
    let mut by_size = people.to_vec();
    by_size.sort_by_key(size);
    let mut left = EDGES_MAX;
    by_size.retain(|person| {
        left -= size(person).min(BRIDGE_EDGES_MAX);
        left >= 0
    });
    let (small, large): (Vec<UserId>, Vec<UserId>) =
        by_size.into_iter().partition(|person| size(person) <= BRIDGE_EDGES_MAX);
    let mut follows = store::suggestion::follows_of(conn, &small, EDGES_MAX)?;
    for person in large {
        let some = store::suggestion::some_follows_of(conn, person, BRIDGE_EDGES_MAX)?;
        follows.extend(some.into_iter().map(|followed| (person, followed)));
    }
    let crossed: HashSet<UserId> = follows.iter().map(|(bridge, _)| *bridge).collect();
    let crossed: Vec<UserId> = people.iter().filter(|person| crossed.contains(person)).copied().collect();
    let places: HashMap<UserId, u16> = crossed.iter().copied().zip(0..).collect();
    let link = |(bridge, followed)| Some((*places.get(&bridge)?, followed));
    evidence.follows = follows.into_iter().filter_map(link).collect();
    let bridge = |person: &UserId| {
        let CountDelta { followers, following, .. } = counted(person);
        Bridge { id: *person, followers, following }
    };
    evidence.bridges = crossed.iter().map(bridge).collect();
    Ok(())
}

/// The newest followers of a person whom the viewer may see on that list.
fn newest_followers(
    conn: &mut Conn,
    owner: UserId,
    count: usize,
    viewer: Option<UserId>,
) -> Result<Vec<UserId>, StoreError> {
    // A page loads one more than it holds.
    let limit = i64::try_from(count).unwrap_or(i64::MAX) - 1;
    let request = PageRequest { limit, after: None };
    let rows = store::list::page(conn, List::Followers, owner, Order::Newest, request, viewer)?;
    Ok(rows.into_iter().map(|row| row.user).collect())
}

/// Who has been followed most lately, among those whose followers are no secret.
fn most_followed(conn: &mut Conn) -> Result<Vec<(UserId, u16)>, StoreError> {
    let mut found =
        store::suggestion::most_followed(conn, RECENT_EVENTS, MOST_FOLLOWED_MIN, MOST_FOLLOWED_MAX)?;
    let people: Vec<UserId> = found.iter().map(|(person, _)| *person).collect();
    let facts = store::fact::known(conn, &people)?;
    found.retain(|(person, _)| facts.get(person).is_some_and(|known| may_tell_followers(&known.facts)));
    Ok(found)
}
