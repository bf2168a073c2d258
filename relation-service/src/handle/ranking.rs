//! Making a ranking: what is read for it, within the bounds of `domain`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::page::PageRequest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::suggestions::Basis;
use crate::domain::{
    BRIDGE_EDGES_MAX, BRIDGES_MAX, Bridge, CountDelta, EDGES_MAX, Evidence, FOLLOWERS_MAX, MOST_FOLLOWED_MAX,
    MOST_FOLLOWED_MIN, Onlooker, Pair, RECENT_EVENTS, Ranking, ReasonKind, may_see_lists, may_tell_followers,
};
use crate::store;
use crate::store::list::{List, Order};
use crate::store::suggestion::Held;

/// Rankings under way: at most one for so many read connections, so that the dearest read leaves room for the others.
const CONNECTIONS_A_RANKING: u32 = 2;
/// How long a request waits until its ranking may begin before it is refused.
const RANKING_WAIT: Duration = Duration::from_secs(1);
/// How long is kept who has been followed most lately: the same for everybody, and nobody's own doing.
const MOST_FOLLOWED_KEPT_FOR: Duration = Duration::from_secs(3);

/// What all rankings share. Clones share it too.
#[derive(Clone)]
pub(super) struct Rankings {
    places: Arc<Semaphore>,
    most_followed: Arc<Mutex<Option<Lately>>>,
}

/// Who has been followed most, as of a time.
struct Lately {
    at: Micros,
    people: Arc<Vec<(UserId, u16)>>,
}

impl Rankings {
    /// Beside so many connections for reading.
    pub(super) fn beside(read_connections: u32) -> Self {
        let places = usize::try_from(read_connections / CONNECTIONS_A_RANKING).unwrap_or(1).max(1);
        Self { places: Arc::new(Semaphore::new(places)), most_followed: Arc::default() }
    }

    /// A place for a ranking, kept until it is dropped.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let place = timeout(RANKING_WAIT, self.places.clone().acquire_owned()).await;
        place.map_err(|_| StoreError::Overloaded)?.map_err(|_| StoreError::Overloaded)
    }

    /// Who has been followed most lately, whoever they are. Who comes meanwhile waits for the one who counts: fewer than
    /// there are places.
    fn most_followed(&self, conn: &mut Conn, now: Micros) -> Result<Arc<Vec<(UserId, u16)>>, StoreError> {
        let mut kept = self.most_followed.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = now.before(MOST_FOLLOWED_KEPT_FOR);
        if let Some(Lately { people, .. }) = kept.as_ref().filter(|kept| kept.at > oldest && kept.at <= now) {
            return Ok(people.clone());
        }
        let people =
            store::suggestion::most_followed(conn, RECENT_EVENTS, MOST_FOLLOWED_MIN, MOST_FOLLOWED_MAX)?;
        let people = Arc::new(people);
        *kept = Some(Lately { at: now, people: people.clone() });
        Ok(people)
    }
}

/// Ranks everybody whom the basis leads to, but whom the viewer follows, has asked or blocks.
pub(super) fn rank(
    conn: &mut Conn,
    rankings: &Rankings,
    now: Micros,
    basis: Basis,
    viewer: Option<UserId>,
) -> Result<Ranking, StoreError> {
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
                let most_followed = rankings.most_followed(conn, now)?;
                evidence.most_followed = told(conn, &most_followed)?;
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
        let seen = |known: &store::fact::KnownUser| {
            may_see_lists(known.facts.access(), Onlooker::Other(pair)).is_ok()
        };
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

/// Of those who have been followed most, those whose followers are no secret now.
fn told(conn: &mut Conn, most_followed: &[(UserId, u16)]) -> Result<Vec<(UserId, u16)>, StoreError> {
    let people: Vec<UserId> = most_followed.iter().map(|(person, _)| *person).collect();
    let facts = store::fact::known(conn, &people)?;
    let may_be = |person: &UserId| facts.get(person).is_some_and(|known| may_tell_followers(&known.facts));
    Ok(most_followed.iter().filter(|(person, _)| may_be(person)).copied().collect())
}
