//! How good suggestions are, on a real graph: some of what people follow is hidden, and counted where it comes back.
//!
//! `MUTUAL_GRAPH` names a file with one edge `a b` a line, plain or gzipped: a follows b.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use flate2::read::GzDecoder;
use relation_service::domain::{BRIDGES_MAX, Bridge, Evidence, FOLLOWERS_MAX, Ranking, ReasonKind};
use shared::id::UserId;

use crate::random::Random;

const SEED: u64 = 0x5EED;
/// People of whose follows some are hidden.
const PEOPLE: usize = 1_000;
/// They follow at least so many.
const FOLLOWING_MIN: usize = 10;
/// One in so many is hidden.
const HIDDEN: usize = 10;
const TOP: usize = 20;

type Graph = HashMap<i64, Vec<i64>>;

fn edges(path: &str) -> Vec<(i64, i64)> {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    if path.ends_with(".gz") {
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    let edge = |line: &str| {
        let (one, other) = line.split_once(' ')?;
        // No person has the id 0.
        Some((one.parse::<i64>().ok()? + 1, other.parse::<i64>().ok()? + 1))
    };
    let mut edges: Vec<(i64, i64)> =
        text.lines().filter_map(edge).filter(|(one, other)| one != other).collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

fn by<'a>(edges: impl Iterator<Item = &'a (i64, i64)>, key: fn(&(i64, i64)) -> (i64, i64)) -> Graph {
    let mut graph = Graph::new();
    for (from, to) in edges.map(key) {
        graph.entry(from).or_default().push(to);
    }
    graph
}

/// Some of the people who follow enough, and what is hidden of each.
fn hide(following: &Graph, random: &mut Random) -> HashMap<i64, HashSet<i64>> {
    let mut people: Vec<i64> =
        following.keys().copied().filter(|id| following[id].len() >= FOLLOWING_MIN).collect();
    people.sort_unstable();
    let mut hidden = HashMap::new();
    while hidden.len() < PEOPLE {
        let person = people.swap_remove(random.below(people.len()));
        let mut follows = following[&person].clone();
        let count = follows.len() / HIDDEN;
        let some = (0..count).map(|_| follows.swap_remove(random.below(follows.len())));
        hidden.insert(person, some.collect());
    }
    hidden
}

struct World {
    following: Graph,
    followers: Graph,
    by_fame: Vec<i64>,
}

impl World {
    fn list(graph: &Graph, person: i64) -> &[i64] {
        graph.get(&person).map(Vec::as_slice).unwrap_or_default()
    }

    /// What the service would rank; with those who follow the viewer, or without.
    fn evidence(&self, viewer: i64, with_followers: bool) -> Evidence {
        let length = |graph, person| i64::try_from(Self::list(graph, person).len()).unwrap();
        let own = Self::list(&self.following, viewer);
        let people = &own[..own.len().min(BRIDGES_MAX)];
        let followers = Self::list(&self.followers, viewer).iter().take(FOLLOWERS_MAX);
        let followed = |(place, person): (u16, &i64)| {
            Self::list(&self.following, *person).iter().map(move |&id| (place, UserId::new(id)))
        };
        let bridge = |&person: &i64| Bridge {
            id: UserId::new(person),
            followers: length(&self.followers, person),
            following: length(&self.following, person),
        };
        Evidence {
            kind: Some(ReasonKind::FriendsOfFriends),
            bridges: people.iter().map(bridge).collect(),
            follows: (0..).zip(people).flat_map(followed).collect(),
            followers: followers.filter(|_| with_followers).map(|&id| UserId::new(id)).collect(),
            most_followed: Vec::new(),
            left_out: own.iter().chain([&viewer]).map(|&id| UserId::new(id)).collect(),
        }
    }

    fn ranked(&self, viewer: i64, with_followers: bool) -> Vec<i64> {
        let ranking = Ranking::new(self.evidence(viewer, with_followers));
        ranking.after(None).iter().take(TOP).map(|row| row.user.get()).collect()
    }

    fn most_popular(&self, viewer: i64) -> Vec<i64> {
        let own = Self::list(&self.following, viewer);
        let others = self.by_fame.iter().filter(|id| !own.contains(id) && **id != viewer);
        others.take(TOP).copied().collect()
    }

    fn common_neighbours(&self, viewer: i64) -> Vec<i64> {
        let Evidence { follows, left_out, .. } = self.evidence(viewer, false);
        let mut counted: HashMap<i64, usize> = HashMap::new();
        for (_, person) in follows.iter().filter(|(_, person)| !left_out.contains(person)) {
            *counted.entry(person.get()).or_default() += 1;
        }
        let mut ranked: Vec<(i64, usize)> = counted.into_iter().collect();
        ranked.sort_unstable_by_key(|&(id, count)| (std::cmp::Reverse(count), id));
        ranked.into_iter().take(TOP).map(|(id, _)| id).collect()
    }
}

#[test]
#[ignore = "needs the file that MUTUAL_GRAPH names"]
#[expect(clippy::as_conversions, reason = "a report")]
fn hidden_follows_come_back() {
    let edges = edges(&std::env::var("MUTUAL_GRAPH").expect("MUTUAL_GRAPH"));
    let mut random = Random::new(SEED);
    let hidden = hide(&by(edges.iter(), |&edge| edge), &mut random);
    let left =
        || edges.iter().filter(|(from, to)| hidden.get(from).is_none_or(|hidden| !hidden.contains(to)));
    let (following, followers) = (by(left(), |&edge| edge), by(left(), |&(from, to)| (to, from)));
    let mut by_fame: Vec<i64> = followers.keys().copied().collect();
    by_fame.sort_unstable_by_key(|id| (std::cmp::Reverse(followers[id].len()), *id));
    let world = World { following, followers, by_fame };
    let recall = |name: &str, top: &dyn Fn(i64) -> Vec<i64>| {
        let of = |(person, hidden): (&i64, &HashSet<i64>)| {
            let found = top(*person).iter().filter(|id| hidden.contains(id)).count();
            found as f64 / hidden.len() as f64
        };
        let mean = hidden.iter().map(of).sum::<f64>() / PEOPLE as f64;
        println!("{name:42} {mean:.3}");
        mean
    };
    println!(
        "recall@{TOP}, mean of {PEOPLE} people, one in {HIDDEN} of their follows hidden, seed {SEED:#x}"
    );
    let popular = recall("most popular", &|person| world.most_popular(person));
    let common = recall("common neighbours", &|person| world.common_neighbours(person));
    let alone = recall("Adamic-Adar", &|person| world.ranked(person, false));
    let ours = recall("as suggested: with those who follow back", &|person| world.ranked(person, true));
    assert!(popular < common && common < alone && alone < ours);
}
