//! Who is there: people, whom they follow, who of them look, and how all are drawn.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use fastrand::Rng;
use shared::clock::Clock;
use shared::id::{SessionId, UserId};
use shared::token::TokenSigner;

use crate::graph::Graph;
use crate::number::{count, place, real};

/// Skew of who looks and of who is looked at independently of the graph: that of LinkBench's reads.
const ZIPF: f64 = 0.8;
/// Draws for one of those who are asked about.
const DRAWS_MAX: usize = 64;
/// Tokens live for ten minutes; they are made again well before, between two phases.
const RENEW_AFTER: Duration = Duration::from_secs(240);
/// The session that tokens of a run name. None of them was revoked.
const SESSION: SessionId = SessionId::new(1);

/// The graph as the services know it.
pub struct World {
    ids: Vec<String>,
    edges: Vec<(u32, u32)>,
    /// Where each person's edges begin.
    begins: Vec<usize>,
    present: HashSet<(u32, u32)>,
    /// In a random order.
    people: Vec<u32>,
    viewers: usize,
    /// So many of them are asked about, and no others.
    asked: usize,
    is_asked: Vec<bool>,
    skew_of_viewers: Zipf,
    skew_of_people: Zipf,
    /// The end of each viewer's requests: who they are.
    endings: RefCell<Vec<Vec<u8>>>,
    renewed: RefCell<Option<Instant>>,
    signer: TokenSigner,
    /// The end of the requests of a service.
    pub service_ending: Vec<u8>,
    /// Paths of pages that begin at a cursor.
    pub pages: RefCell<Pages>,
}

/// Pages that only an earlier page leads to.
#[derive(Debug, Default)]
pub struct Pages {
    /// The second page or one soon after.
    pub later: Vec<String>,
    /// Far down.
    pub deep: Vec<String>,
    /// How far down, in pages.
    pub depth: u64,
}

impl World {
    /// `ids` are those of the graph's people, in its order; the first `viewers` of a random order look, and the first
    /// `asked` are looked at.
    pub fn new(
        graph: Graph,
        ids: Vec<String>,
        (viewers, asked): (usize, usize),
        signer: TokenSigner,
        service: &str,
        seed: u64,
    ) -> Self {
        let mut begins = vec![0; ids.len() + 1];
        for &(source, _) in &graph.edges {
            begins[at(source) + 1] += 1;
        }
        for person in 0..ids.len() {
            begins[person + 1] += begins[person];
        }
        let mut people: Vec<u32> = (0_u32..).take(ids.len()).collect();
        Rng::with_seed(seed).shuffle(&mut people);
        let viewers = viewers.min(people.len());
        let asked = asked.clamp(viewers, people.len());
        let mut is_asked = vec![false; people.len()];
        people.iter().take(asked).for_each(|&person| is_asked[at(person)] = true);
        Self {
            present: graph.edges.iter().copied().collect(),
            edges: graph.edges,
            begins,
            viewers,
            skew_of_viewers: Zipf::new(viewers),
            skew_of_people: Zipf::new(asked),
            people,
            asked,
            is_asked,
            ids,
            endings: RefCell::default(),
            renewed: RefCell::default(),
            signer,
            service_ending: ending(service),
            pages: RefCell::default(),
        }
    }

    /// Signs the viewers' tokens anew if they have grown old. Returns whether it did: whoever sees one first has to verify it.
    pub fn renew_tokens(&self) -> io::Result<bool> {
        let old = self.renewed.borrow().is_none_or(|renewed| renewed.elapsed() > RENEW_AFTER);
        if !old {
            return Ok(false);
        }
        let now = Clock::system().now();
        let sign = |person: &u32| {
            let id = self.id(*person).parse::<UserId>().map_err(io::Error::other)?;
            Ok(ending(&self.signer.sign(id, SESSION, now).map_err(io::Error::other)?))
        };
        let endings = self.people.iter().take(self.viewers).map(sign).collect::<io::Result<_>>()?;
        *self.endings.borrow_mut() = endings;
        *self.renewed.borrow_mut() = Some(Instant::now());
        Ok(true)
    }

    /// A person's id on the wire.
    pub fn id(&self, person: u32) -> &str {
        self.ids.get(at(person)).map_or("", String::as_str)
    }

    /// How many follows there were at the start.
    pub fn follows(&self) -> u64 {
        count(self.edges.len())
    }

    /// How many people look.
    pub fn viewers(&self) -> u32 {
        u32::try_from(self.viewers).unwrap_or(u32::MAX)
    }

    /// How many people are asked about.
    pub fn asked(&self) -> u32 {
        u32::try_from(self.asked).unwrap_or(u32::MAX)
    }

    /// Who the viewer with this number is, or the one who is asked about.
    pub fn person(&self, viewer: u32) -> u32 {
        self.people.get(at(viewer)).copied().unwrap_or_default()
    }

    /// Ends a request as the viewer with this number.
    pub fn end_as(&self, viewer: u32, out: &mut Vec<u8>) {
        if let Some(ending) = self.endings.borrow().get(at(viewer)) {
            out.extend_from_slice(ending);
        }
    }

    /// A viewer: some look much oftener than others.
    pub fn viewer(&self, rng: &mut Rng) -> u32 {
        u32::try_from(self.skew_of_viewers.draw(rng)).unwrap_or_default()
    }

    /// Whom a viewer looks at: half of the time somebody in proportion to their followers, three times in ten somebody whom
    /// they follow, else somebody who is looked at for other reasons.
    pub fn target(&self, rng: &mut Rng, viewer: u32) -> u32 {
        match rng.u32(..10) {
            0..5 => self.followed(rng),
            5..8 => self.followee(rng, viewer).unwrap_or_else(|| self.followed(rng)),
            _ => self.people.get(self.skew_of_people.draw(rng)).copied().unwrap_or_default(),
        }
    }

    /// Somebody in proportion to their followers: the far end of some follow.
    pub fn followed(&self, rng: &mut Rng) -> u32 {
        self.far_end(rng, 0..self.edges.len()).unwrap_or_else(|| self.anybody(rng))
    }

    /// Anybody.
    pub fn anybody(&self, rng: &mut Rng) -> u32 {
        self.people[rng.usize(..self.asked)]
    }

    /// Somebody whom the viewer has followed from the start.
    pub fn followee(&self, rng: &mut Rng, viewer: u32) -> Option<u32> {
        let person = at(self.person(viewer));
        self.far_end(rng, self.begins[person]..self.begins[person + 1])
    }

    /// The target of one of these follows who is asked about.
    fn far_end(&self, rng: &mut Rng, follows: Range<usize>) -> Option<u32> {
        if follows.is_empty() {
            return None;
        }
        let mut draws = (0..DRAWS_MAX).map(|_| self.edges[rng.usize(follows.clone())].1);
        draws.find(|target| self.is_asked[at(*target)])
    }

    /// Whether this was a follow from the start.
    pub fn was_there(&self, source: u32, target: u32) -> bool {
        self.present.contains(&(source, target))
    }

    /// People by followers, most first.
    pub fn celebrities(&self, most: usize) -> Vec<u32> {
        let mut followers: Vec<(u64, u32)> =
            (0_u32..).take(self.ids.len()).map(|person| (0, person)).collect();
        for &(_, target) in &self.edges {
            followers[at(target)].0 += 1;
        }
        followers.sort_unstable_by(|one, other| other.cmp(one));
        followers.into_iter().take(most).map(|(_, person)| person).collect()
    }
}

fn ending(token: &str) -> Vec<u8> {
    format!("authorization: Bearer {token}\r\n\r\n").into_bytes()
}

fn at(number: u32) -> usize {
    place(u64::from(number))
}

/// Places of which the first come oftenest: the n-th in proportion to `n` to the power of minus [`ZIPF`].
struct Zipf {
    cumulative: Vec<f64>,
}

impl Zipf {
    fn new(places: usize) -> Self {
        let mut sum = 0.0;
        let weigh = |number: u64| {
            sum += real(number + 1).powf(-ZIPF);
            sum
        };
        Self { cumulative: (0..count(places)).map(weigh).collect() }
    }

    fn draw(&self, rng: &mut Rng) -> usize {
        let sum = self.cumulative.last().copied().unwrap_or_default();
        let drawn = rng.f64() * sum;
        self.cumulative.partition_point(|below| *below < drawn).min(self.cumulative.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use shared::secret::Secret;

    use super::*;
    use crate::graph::synthetic;

    const ASKED: usize = 1_000;

    fn world() -> World {
        let graph = synthetic::draw(3_000, 5, 1);
        let ids = (1..=graph.nodes.len()).map(|id| id.to_string()).collect();
        World::new(graph, ids, (100, ASKED), TokenSigner::new(&Secret::random().unwrap()).unwrap(), "x", 1)
    }

    #[test]
    fn the_first_of_a_skewed_list_come_oftenest() {
        let zipf = Zipf::new(1_000);
        let mut rng = Rng::with_seed(5);
        let mut drawn = vec![0_u32; 1_000];
        for _ in 0..200_000 {
            drawn[zipf.draw(&mut rng)] += 1;
        }
        let ratio = f64::from(drawn[0]) / f64::from(drawn[9]);
        assert!((ratio - 10_f64.powf(ZIPF)).abs() < 1.0, "{ratio}");
        assert!(drawn.iter().all(|times| *times > 0));
    }

    #[test]
    fn a_followee_is_followed_and_targets_go_by_followers() {
        let world = world();
        let mut rng = Rng::with_seed(2);
        for viewer in 0..world.viewers() {
            if let Some(followee) = world.followee(&mut rng, viewer) {
                assert!(world.was_there(world.person(viewer), followee));
            }
        }
        let stars = world.celebrities(3_000);
        let star = *stars.iter().find(|star| world.is_asked[at(**star)]).unwrap();
        let hits = (0..20_000).filter(|_| world.followed(&mut rng) == star).count();
        let followers = world.edges.iter().filter(|(_, target)| *target == star).count();
        let all = world.edges.iter().filter(|(_, target)| world.is_asked[at(*target)]).count();
        let expected = real(count(followers)) / real(count(all)) * 20_000.0;
        assert!((real(count(hits)) - expected).abs() < expected.sqrt() * 5.0 + 5.0, "{hits} {expected}");
    }

    #[test]
    fn viewers_sign_in_by_tokens_of_their_own() {
        let world = world();
        world.renew_tokens().unwrap();
        let end = |viewer| {
            let mut out = Vec::new();
            world.end_as(viewer, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert!(end(0).starts_with("authorization: Bearer ey") && end(0).ends_with("\r\n\r\n"));
        assert_ne!(end(0), end(1));
    }
}
