//! Whom a person may know: who is left out, who comes first, and what speaks for somebody.
//!
//! The measure is Adamic and Adar's (*Friends and neighbors on the web*, Social Networks 25, 2003): each *bridge*, a
//! person between the viewer and somebody, counts for the less the more people the bridge is connected with. Who
//! follows the viewer already is worth more on top: `tests/api/quality.rs` measures what each part brings.

use std::collections::{HashMap, HashSet};

use shared::facts::{AccountStatus, UserFacts};
use shared::id::UserId;

use super::pair::{Edge, Pair};

/// Bridges that are looked at, the newest.
pub const BRIDGES_MAX: usize = 256;
/// Edges of one bridge that are looked at.
pub const BRIDGE_EDGES_MAX: i64 = 1_000;
/// Edges of all bridges that are looked at.
pub const EDGES_MAX: i64 = 50_000;
/// Followers of the viewer who are suggested back, the newest.
pub const FOLLOWERS_MAX: usize = 256;
/// People of a reason who are named.
pub const NAMED_MAX: usize = 3;
/// Events of the log in which those are counted who are followed most, the newest.
pub const RECENT_EVENTS: i64 = 5_000;
/// Of those who are followed most, how many.
pub const MOST_FOLLOWED_MAX: i64 = 200;
/// Followed by fewer people lately is not much.
pub const MOST_FOLLOWED_MIN: i64 = 3;

/// One whole point of a score.
const POINT: u32 = 1_000_000;
/// By how much the score of somebody is multiplied who follows the viewer, after which a point is added.
const FOLLOWS_YOU_FACTOR: u32 = 3;
/// What somebody followed lately by one person more has more. It ranks only those for whom nothing else speaks: so no
/// score tells of it once the reason may not be told, and whoever has another reason comes first.
const MOST_FOLLOWED_STEP: u32 = 10;

/// How much speaks for somebody, in millionths of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Score(u32);

impl Score {
    /// As it is kept.
    pub const fn new(millionths: u32) -> Self {
        Self(millionths)
    }

    /// In millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// In points.
    pub fn points(self) -> f64 {
        f64::from(self.0) / f64::from(POINT)
    }
}

/// What speaks for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonKind {
    /// People whom the viewer follows follow them.
    FriendsOfFriends,
    /// They follow the viewer.
    FollowsYou,
    /// Followers of the person whom they are to be like follow them too.
    SharedFollowers,
    /// Many have begun to follow them lately.
    MostFollowed,
}

/// One thing that speaks for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What.
    pub kind: ReasonKind,
    /// How many people make it.
    pub count: usize,
    /// A few of them.
    pub users: Vec<UserId>,
}

/// Somebody whose follows lead to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bridge {
    /// Who.
    pub id: UserId,
    /// By how many people they are followed.
    pub followers: i64,
    /// How many people they follow.
    pub following: i64,
}

impl Bridge {
    /// 1 / ln(2 + degree): two more, so that nobody divides by nothing.
    #[expect(clippy::as_conversions, reason = "rounded and between 0 and 2,000,000")]
    fn weight(self) -> u32 {
        let degree = self.followers.max(0).saturating_add(self.following.max(0));
        let degree = f64::from(u32::try_from(degree).unwrap_or(u32::MAX));
        (f64::from(POINT) / (2.0 + degree).ln()).round() as u32
    }
}

/// Everything that a ranking is made of.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What a shared bridge is a reason of.
    pub kind: Option<ReasonKind>,
    /// The bridges; those who are to be named first come first.
    pub bridges: Vec<Bridge>,
    /// Whom they follow: the place of the bridge, and who.
    pub follows: Vec<(u16, UserId)>,
    /// Who follows the viewer.
    pub followers: Vec<UserId>,
    /// Who has been followed lately, by how many.
    pub most_followed: Vec<(UserId, u16)>,
    /// Who is left out in any case.
    pub left_out: HashSet<UserId>,
}

/// Somebody in a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranked {
    /// Who.
    pub user: UserId,
    /// How much speaks for them.
    pub score: Score,
    /// By how many they have been followed lately, where that counts.
    lately: u16,
    /// Which of the links are theirs.
    first_link: u32,
    links: u16,
}

/// People, those for whom most speaks first. It is what was found at a time: who may be shown is asked when it is read.
#[derive(Debug, Clone, Default)]
pub struct Ranking {
    kind: Option<ReasonKind>,
    bridges: Vec<UserId>,
    rows: Vec<Ranked>,
    /// Places of bridges, row by row.
    links: Vec<u16>,
}

impl Ranking {
    /// Ranks.
    pub fn new(evidence: Evidence) -> Self {
        let Evidence { kind, bridges, mut follows, followers, most_followed, left_out } = evidence;
        follows.retain(|(_, user)| !left_out.contains(user));
        follows.sort_unstable_by_key(|&(bridge, user)| (user, bridge));
        let weights: Vec<u32> = bridges.iter().map(|bridge| bridge.weight()).collect();
        let mut followers: HashSet<UserId> = followers.into_iter().collect();
        let mut lately: HashMap<UserId, u16> = most_followed.into_iter().collect();
        let (mut rows, mut links) = (Vec::new(), Vec::with_capacity(follows.len()));
        for shared in follows.chunk_by(|(_, one), (_, other)| one == other) {
            let Some(&(_, user)) = shared.first() else { continue };
            let first_link = u32::try_from(links.len()).unwrap_or(u32::MAX);
            links.extend(shared.iter().map(|(bridge, _)| *bridge));
            let weights = shared.iter().filter_map(|(bridge, _)| weights.get(usize::from(*bridge)));
            let sum = weights.fold(0_u32, |sum, weight| sum.saturating_add(*weight));
            let lately = lately.remove(&user).unwrap_or_default();
            let score = score(sum, followers.remove(&user), lately);
            let links = u16::try_from(shared.len()).unwrap_or(u16::MAX);
            rows.push(Ranked { user, score, lately, first_link, links });
        }
        // Who is left has no bridge.
        let mut alone = |user: UserId, follows_you, lately| {
            if !left_out.contains(&user) {
                let score = score(0, follows_you, lately);
                rows.push(Ranked { user, score, lately, first_link: 0, links: 0 });
            }
        };
        for user in followers {
            alone(user, true, lately.remove(&user).unwrap_or_default());
        }
        for (user, lately) in lately {
            alone(user, false, lately);
        }
        rows.sort_unstable_by_key(place);
        let bridges = bridges.iter().map(|bridge| bridge.id).collect();
        Self { kind, bridges, rows, links }
    }

    /// The rows after a place: after the row with this score and person, wherever it would be.
    pub fn after(&self, after: Option<(Score, UserId)>) -> &[Ranked] {
        let Some((score, user)) = after else { return &self.rows };
        let seen = (std::cmp::Reverse(score), user);
        let start = self.rows.partition_point(|row| place(row) <= seen);
        self.rows.get(start..).unwrap_or_default()
    }

    /// All bridges.
    pub fn bridges(&self) -> &[UserId] {
        &self.bridges
    }

    /// What speaks for somebody, as everything is now: if only `visible` bridges may be told of; `pair` is the viewer's
    /// with them, and `facts` are theirs.
    pub fn reasons(
        &self,
        row: &Ranked,
        pair: Pair,
        facts: &UserFacts,
        visible: &HashSet<UserId>,
    ) -> Vec<Reason> {
        let first = usize::try_from(row.first_link).unwrap_or(usize::MAX);
        let links = self.links.iter().skip(first).take(usize::from(row.links));
        let bridges = links.filter_map(|link| self.bridges.get(usize::from(*link)));
        let bridges: Vec<UserId> = bridges.filter(|bridge| visible.contains(bridge)).copied().collect();
        let mut reasons = Vec::new();
        if let Some(kind) = self.kind.filter(|_| !bridges.is_empty()) {
            let users = bridges.iter().take(NAMED_MAX).copied().collect();
            reasons.push(Reason { kind, count: bridges.len(), users });
        }
        if pair.backward.is_follow() && self.kind != Some(ReasonKind::SharedFollowers) {
            reasons.push(Reason { kind: ReasonKind::FollowsYou, count: 1, users: vec![row.user] });
        }
        if row.lately > 0 && may_tell_followers(facts) {
            let count = usize::from(row.lately);
            reasons.push(Reason { kind: ReasonKind::MostFollowed, count, users: Vec::new() });
        }
        reasons
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + size_of_val(self.bridges.as_slice())
            + size_of_val(self.rows.as_slice())
            + size_of_val(self.links.as_slice())
    }
}

/// The best first; among equals, who came first.
fn place(row: &Ranked) -> (std::cmp::Reverse<Score>, UserId) {
    (std::cmp::Reverse(row.score), row.user)
}

fn score(bridges: u32, follows_you: bool, lately: u16) -> Score {
    Score(match (follows_you, bridges) {
        (true, _) => bridges.saturating_mul(FOLLOWS_YOU_FACTOR).saturating_add(POINT),
        (false, 0) => MOST_FOLLOWED_STEP * u32::from(lately),
        (false, _) => bridges,
    })
}

/// Whether somebody may be suggested to the pair's source, as everything is now.
pub fn may_suggest(facts: &UserFacts, pair: Pair, dismissed: bool) -> bool {
    facts.status == AccountStatus::Active
        && facts.suggest_to_others
        && pair.forward == Edge::None
        && !pair.backward.is_block()
        && pair.marks.mute.is_none()
        && !dismissed
}

/// Whether somebody may be shown as followed by many: that tells of their followers to everybody.
pub fn may_tell_followers(facts: &UserFacts) -> bool {
    facts.show_counts && !facts.private_account
}
