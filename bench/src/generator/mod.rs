//! Requests, drawn one by one from a mix.

mod replay;
mod requests;

use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

use fastrand::Rng;

pub use replay::{Introduction, Replay, Walk};

use crate::load::Source;
use crate::request::{Asked, Expect, Kind};
use crate::world::World;

/// Draws for a pair that is not there yet, before targets are drawn from everybody.
const DRAWS_MAX: u32 = 16;

/// Kinds of requests and how many of each.
pub type Mix = Vec<(f64, Kind)>;

/// Draws requests.
pub struct Generator {
    world: Rc<World>,
    rng: Rng,
    kinds: Vec<Kind>,
    cumulative: Vec<f64>,
    /// Pairs of viewer and target that a run has ever written: each is followed once, and ended once.
    written: HashSet<(u32, u32)>,
    /// Follows of this run that stand, oldest first.
    standing: VecDeque<(u32, u32)>,
    /// Whether only ends are asked for any more.
    undoing: bool,
    /// For [`Kind::Celebrity`]: the next viewer, and whether this pass follows.
    pass: (u32, bool),
    star: u32,
    star_was_asked: bool,
    edits: u64,
    body: Vec<u8>,
}

impl Generator {
    /// Requests of a mix. The same seed draws the same ones, as far as answers come in the same order.
    pub fn new(world: Rc<World>, mix: &Mix, seed: u64) -> Self {
        let mut sum = 0.0;
        let cumulative = mix.iter().map(|(share, _)| {
            sum += share;
            sum
        });
        Self {
            cumulative: cumulative.collect(),
            kinds: mix.iter().map(|(_, kind)| *kind).collect(),
            rng: Rng::with_seed(seed),
            star: world.celebrities(1).first().copied().unwrap_or_default(),
            world,
            written: HashSet::new(),
            standing: VecDeque::new(),
            undoing: false,
            pass: (0, true),
            star_was_asked: false,
            edits: 0,
            body: Vec::new(),
        }
    }

    /// From now on only ends what it began, until nothing of it is left.
    pub fn undo(&mut self) {
        self.undoing = true;
        if self.star_was_asked {
            let (next, following) = self.pass;
            let follow = if following { 0..next } else { next..self.world.viewers() };
            let star = self.star;
            let left: Vec<u32> = follow.filter(|viewer| self.may_star(*viewer)).collect();
            self.standing.extend(left.into_iter().map(|viewer| (viewer, star)));
        }
    }

    /// How many follows of this run stand.
    pub fn standing(&self) -> usize {
        self.standing.len()
    }

    fn may_star(&self, viewer: u32) -> bool {
        let person = self.world.person(viewer);
        person != self.star && !self.world.was_there(person, self.star)
    }

    fn kind(&mut self) -> Kind {
        let drawn = self.rng.f64() * self.cumulative.last().copied().unwrap_or_default();
        let index = self.cumulative.partition_point(|below| *below < drawn);
        self.kinds.get(index).copied().unwrap_or(Kind::Check)
    }

    /// A pair that does not stand and that this run has not written.
    fn new_pair(&mut self) -> (u32, u32) {
        let mut draws = 0;
        loop {
            let viewer = self.rng.u32(..self.world.viewers());
            let target = if draws < DRAWS_MAX {
                self.world.target(&mut self.rng, viewer)
            } else {
                self.world.anybody(&mut self.rng)
            };
            draws += 1;
            let person = self.world.person(viewer);
            if person != target
                && !self.world.was_there(person, target)
                && self.written.insert((viewer, target))
            {
                return (viewer, target);
            }
        }
    }

    /// A pair of which it is known whether one follows the other: as often as not they do.
    fn known_pair(&mut self) -> (u32, u32, bool) {
        loop {
            let viewer = self.world.viewer(&mut self.rng);
            if self.rng.bool() {
                if let Some(target) = self.world.followee(&mut self.rng, viewer) {
                    return (viewer, target, true);
                }
            } else {
                let target = self.world.target(&mut self.rng, viewer);
                let person = self.world.person(viewer);
                if target != person
                    && !self.world.was_there(person, target)
                    && !self.written.contains(&(viewer, target))
                {
                    return (viewer, target, false);
                }
            }
        }
    }
}

impl Source for Generator {
    fn next(&mut self, out: &mut Vec<u8>) -> Option<Asked> {
        if self.undoing {
            let (viewer, target) = self.standing.pop_front()?;
            let asked = self.act(out, viewer, target, false);
            return Some(Asked { kind: Kind::Unfollow.name(), ..asked });
        }
        let kind = self.kind();
        let asked = self.write_kind(kind, out);
        Some(Asked { kind: kind.name(), ..asked })
    }

    fn answered(&mut self, asked: &Asked) {
        if let Expect::Acted { viewer, target, following: true } = asked.expect
            && self.written.contains(&(viewer, target))
        {
            self.standing.push_back((viewer, target));
        }
    }

    fn check(&self, asked: &Asked, body: &[u8]) -> Result<(), String> {
        asked.expect.check(body, |person| self.world.id(person).to_owned())
    }
}
