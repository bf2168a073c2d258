//! The load: askers at a fixed rate, each with people of its own whose state it knows.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::asker::{Asker, Doors, Who};
use super::ledger::{Act, Edge, Name, Pair, Standing};
use super::tally::Tally;
use crate::failure::Failure;
use crate::request::Side;
use crate::world::World;

/// How many ask relation-service.
const PAIR_ASKERS: usize = 8;
/// People of each of them, and how many others each of these has to do with.
const VIEWERS_EACH: usize = 2;
const TARGETS_EACH: usize = 60;
/// How many ask user-service, and how many people each of them changes.
const NAME_ASKERS: usize = 2;
const NAMES_EACH: usize = 30;
/// One in so many accounts is private, so that there are requests.
const PRIVATE_ONE_IN: u32 = 4;

/// Pairs and names that all know.
pub type Pairs = Rc<RefCell<Vec<Pair>>>;
/// Names that all know.
pub type Names = Rc<RefCell<Vec<Name>>>;

/// The load while it runs; it ends with this value.
pub struct Load {
    /// The pairs of each asker.
    pub pairs: Vec<Pairs>,
    /// The names of each asker.
    pub names: Vec<Names>,
    tally: Rc<RefCell<Tally>>,
    /// Each request is made while its asker may read this.
    gate: Arc<RwLock<()>>,
    _askers: JoinSet<()>,
}

/// What an asker works with.
struct Lane {
    asker: Asker,
    world: Rc<World>,
    rng: Rng,
    every: Duration,
    gate: Arc<RwLock<()>>,
}

/// Whether the person with this number has a private account.
const fn is_private(number: u32) -> bool {
    number.is_multiple_of(PRIVATE_ONE_IN)
}

impl Load {
    /// Starts to ask, `rate` times a second in all.
    pub fn start(world: &Rc<World>, doors: Doors, rate: u32, seed: u64) -> Self {
        let tally = Rc::<RefCell<Tally>>::default();
        let gate = Arc::new(RwLock::new(()));
        let lanes = PAIR_ASKERS + NAME_ASKERS;
        let every = Duration::from_secs(1) * u32::try_from(lanes).unwrap_or(1) / rate.max(1);
        let mut rng = Rng::with_seed(seed);
        let lane = |rng: &mut Rng| Lane {
            asker: Asker::new(world, doors, &tally),
            world: world.clone(),
            rng: rng.fork(),
            every,
            gate: gate.clone(),
        };
        let (pairs, names) = (draw_pairs(world, &mut rng), draw_names(world));
        let mut askers = JoinSet::new();
        for pairs in &pairs {
            askers.spawn_local(lane(&mut rng).relations(pairs.clone()));
        }
        for names in &names {
            askers.spawn_local(lane(&mut rng).people(names.clone()));
        }
        Self { pairs, names, tally, gate, _askers: askers }
    }

    /// Waits for the answers under way, and lets nobody ask until what this returns is dropped.
    pub async fn pause(&self) -> OwnedRwLockWriteGuard<()> {
        self.gate.clone().write_owned().await
    }

    /// Takes what was counted.
    pub fn take_tally(&self) -> Tally {
        self.tally.take()
    }

    /// How the last trouble stands now.
    pub fn last_bad(&self) -> Option<std::time::Instant> {
        self.tally.borrow().last_bad
    }

    /// Requests that were acknowledged and change something, since the start.
    pub fn acknowledged(&self) -> u64 {
        let pairs = self.pairs.iter().flat_map(|pairs| pairs.borrow().clone()).map(|pair| pair.acknowledged);
        let names = self.names.iter().flat_map(|names| names.borrow().clone()).map(|name| name.acknowledged);
        pairs.chain(names).sum()
    }
}

/// Makes every so many-th account private.
pub async fn make_private(world: &Rc<World>, doors: Doors) -> Result<(), Failure> {
    let mut asker = Asker::new(world, doors, &Rc::<RefCell<Tally>>::default());
    let body = json!({"private_account": true});
    for number in (0..world.viewers()).filter(|number| is_private(*number)) {
        let who = Who::Person(number);
        match asker.ask(Side::Users, who, "PATCH", "/v1/me/privacy", Some(&body)).await {
            (Some(200 | 202), _) => {}
            (status, body) => return Err(io::Error::other(format!("not private: {status:?} {body}")).into()),
        }
    }
    Ok(())
}

/// Pairs of people who had nothing to do with each other; nobody who acts is acted upon.
fn draw_pairs(world: &World, rng: &mut Rng) -> Vec<Pairs> {
    let viewers = u32::try_from(PAIR_ASKERS * VIEWERS_EACH).unwrap_or(u32::MAX);
    let own = VIEWERS_EACH * TARGETS_EACH;
    let mut pairs = Vec::with_capacity(PAIR_ASKERS * own);
    for viewer in 0..viewers {
        let me = world.person(viewer);
        let mut others: Vec<u32> = (viewers..world.viewers()).collect();
        others.retain(|other| {
            let other = world.person(*other);
            !world.was_there(me, other) && !world.was_there(other, me)
        });
        rng.shuffle(&mut others);
        let targets = others.into_iter().take(TARGETS_EACH);
        pairs.extend(targets.map(|target| Pair::new(viewer, target, is_private(target))));
    }
    pairs.chunks(own).map(|pairs| Rc::new(RefCell::new(pairs.to_vec()))).collect()
}

fn draw_names(world: &World) -> Vec<Names> {
    let people: Vec<u32> = (0..world.viewers()).rev().take(NAME_ASKERS * NAMES_EACH).collect();
    let names = people.chunks(NAMES_EACH).map(|people| people.iter().copied().map(Name::new).collect());
    names.map(|names| Rc::new(RefCell::new(names))).collect()
}

impl Lane {
    async fn relations(mut self, pairs: Pairs) {
        let mut due = self.clock();
        loop {
            due.tick().await;
            let gate = self.gate.clone();
            let _open = gate.read().await;
            let place = self.rng.usize(..pairs.borrow().len());
            let pair = pairs.borrow()[place].clone();
            match self.rng.u32(..4) {
                0 | 1 => {
                    let act = pair.draw(&mut self.rng);
                    let status = self.act(&pair, act).await;
                    pairs.borrow_mut()[place].write_down(act, status);
                }
                2 => self.compare(&pair).await,
                _ => self.look(&pair).await,
            }
        }
    }

    async fn people(mut self, names: Names) {
        let mut due = self.clock();
        loop {
            due.tick().await;
            let gate = self.gate.clone();
            let _open = gate.read().await;
            let place = self.rng.usize(..names.borrow().len());
            let name = names.borrow()[place].clone();
            if self.rng.bool() {
                let number = name.draw();
                let body = json!({"display_name": display_name(number)});
                let who = Who::Person(name.person);
                let (status, _) = self.asker.ask(Side::Users, who, "PATCH", "/v1/me", Some(&body)).await;
                names.borrow_mut()[place].write_down(number, status);
            } else {
                let path = format!("/v1/users/{}", self.id(name.person));
                self.asker.ask(Side::Users, Who::Person(name.person), "GET", &path, None).await;
            }
        }
    }

    fn clock(&self) -> tokio::time::Interval {
        let mut due = interval(self.every);
        // Who waits for an answer asks less meanwhile, and does not make up for it.
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        due
    }

    fn id(&self, number: u32) -> String {
        self.world.id(self.world.person(number)).to_owned()
    }

    async fn act(&mut self, pair: &Pair, act: Act) -> Option<u16> {
        let (me, other) = (self.id(pair.viewer), self.id(pair.target));
        let (who, method, path) = match act {
            Act::Follow => (pair.viewer, "PUT", format!("/v1/me/following/{other}")),
            Act::Unfollow => (pair.viewer, "DELETE", format!("/v1/me/following/{other}")),
            Act::Accept => (pair.target, "POST", format!("/v1/me/follow-requests/{me}/accept")),
            Act::Block => (pair.viewer, "PUT", format!("/v1/me/blocks/{other}")),
            Act::Unblock => (pair.viewer, "DELETE", format!("/v1/me/blocks/{other}")),
            Act::Mute => (pair.viewer, "PUT", format!("/v1/me/mutes/{other}")),
            Act::Unmute => (pair.viewer, "DELETE", format!("/v1/me/mutes/{other}")),
        };
        self.asker.ask(Side::Relations, Who::Person(who), method, &path, None).await.0
    }

    /// Asks how a pair stands: whichever instance answers, it has to be what was acknowledged last.
    async fn compare(&mut self, pair: &Pair) {
        let path = format!("/v1/me/relationships?ids={}", self.id(pair.target));
        let who = Who::Person(pair.viewer);
        let (status, body) = self.asker.ask(Side::Relations, who, "GET", &path, None).await;
        if status == Some(200) {
            let seen = standing(&body["items"][0]["relationship"]);
            if !pair.may_be(seen) {
                self.asker.complain(format!("{seen:?} instead of {:?}", pair.known));
            }
        }
    }

    /// Other reads: a list, counts, a check.
    async fn look(&mut self, pair: &Pair) {
        let (me, other) = (self.id(pair.viewer), self.id(pair.target));
        let who = Who::Person(pair.viewer);
        match self.rng.u32(..3) {
            0 => {
                let path = format!("/v1/users/{me}/following?expand=user");
                self.asker.ask(Side::Relations, who, "GET", &path, None).await;
            }
            1 => {
                let path = format!("/v1/users/{me}/counts");
                self.asker.ask(Side::Relations, who, "GET", &path, None).await;
            }
            _ => {
                let check = json!({"viewer_id": other, "owner_id": me, "action": "view_content"});
                let body = json!({"checks": [check]});
                let path = "/v1/visibility";
                let (status, body) =
                    self.asker.ask(Side::Relations, Who::Service, "POST", path, Some(&body)).await;
                self.judge(pair, status, &body);
            }
        }
    }

    /// Who is blocked sees nothing from the moment on at which the block was answered.
    fn judge(&self, pair: &Pair, status: Option<u16>, body: &Value) {
        let allowed = body["items"][0]["allow"] == true;
        if status == Some(200) && pair.is_certain() && pair.known.edge == Edge::Blocking && allowed {
            self.asker.complain("somebody who is blocked was let in".to_owned());
        }
    }
}

/// What a relationship says.
pub fn standing(relationship: &Value) -> Standing {
    let says = |word: &str| relationship[word] == true;
    let edge = match () {
        () if says("blocking") => Edge::Blocking,
        () if says("following") => Edge::Following,
        () if says("requested") => Edge::Requested,
        () => Edge::None,
    };
    Standing { edge, muting: says("muting") }
}

/// A name with a number in it.
fn display_name(number: u64) -> String {
    format!("Version {number}")
}

/// The number in such a name; 0 in any other.
pub fn number_in(name: &str) -> u64 {
    name.strip_prefix("Version ").and_then(|number| number.parse().ok()).unwrap_or(0)
}
