//! Whether everything that was acknowledged is there: asked of every instance, and of the tables themselves.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;
use shared::db::DatabaseUrl;
use tokio::time::sleep;

use super::asker::{Asker, Doors, Who};
use super::ledger::{Edge, Name, Pair, Standing};
use super::load::{Load, number_in, standing};
use super::tally::Tally;
use crate::failure::Failure;
use crate::request::Side;
use crate::store::{self, Stored};
use crate::world::World;

/// Contradictions that are told in words; the others are counted.
const TOLD_MAX: usize = 5;
/// How long an answer may be refused when everything has healed.
const PATIENCE: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// What the people of a load had before it began.
pub struct Checker {
    world: Rc<World>,
    databases: [DatabaseUrl; 2],
    /// Follows and requests sent, of each who acts.
    before: Vec<(u32, [i64; 2])>,
}

/// What was compared, and what of it was not as it should be.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Pairs and names that were compared with what was acknowledged.
    pub compared: u64,
    /// What was acknowledged and is not there, or is there and nobody asked for it.
    pub lost: Vec<String>,
    /// How many of these there are.
    pub lost_count: u64,
}

impl Checker {
    /// Remembers how everything was before the load. Nobody may be asking.
    pub async fn begin(
        world: &Rc<World>,
        load: &Load,
        doors: Doors,
        databases: [DatabaseUrl; 2],
    ) -> Result<Self, Failure> {
        let mut checker = Self { world: world.clone(), databases, before: Vec::new() };
        let mut asker = checker.asker(doors);
        let viewers: BTreeSet<u32> = load.pairs.iter().flat_map(|pairs| viewers(&pairs.borrow())).collect();
        for viewer in viewers {
            let counts = checker.counts(&mut asker, viewer).await?;
            checker.before.push((viewer, counts));
        }
        Ok(checker)
    }

    /// Compares, and from then on takes what it has seen as known. Nobody may be asking.
    pub async fn look(&self, load: &Load, instances: &[Doors]) -> Result<Verdict, Failure> {
        let mut verdict = Verdict::default();
        for shared_pairs in &load.pairs {
            let mut pairs = shared_pairs.borrow().clone();
            self.settle_pairs(&mut pairs, &mut verdict)?;
            for doors in instances {
                self.ask_about_pairs(&pairs, *doors, &mut verdict).await?;
            }
            self.compare_counts(&pairs, instances, &mut verdict).await?;
            shared_pairs.replace(pairs);
        }
        for shared_names in &load.names {
            let mut names = shared_names.borrow().clone();
            self.settle_names(&mut names, &mut verdict)?;
            for doors in instances {
                self.ask_about_names(&names, *doors, &mut verdict).await?;
            }
            shared_names.replace(names);
        }
        Ok(verdict)
    }

    fn settle_pairs(&self, pairs: &mut [Pair], verdict: &mut Verdict) -> Result<(), Failure> {
        let people = viewers(pairs).into_iter().map(|viewer| self.number(viewer)).collect::<Vec<_>>();
        let stored = store::stored(&self.databases[1], &people)?;
        for pair in pairs {
            let seen = self.in_tables(&stored, pair);
            let what = || format!("the tables have {seen:?}, acknowledged was {:?}", pair.known);
            verdict.note(pair.may_be(seen), what);
            pair.settle(seen);
        }
        Ok(())
    }

    fn in_tables(&self, stored: &Stored, pair: &Pair) -> Standing {
        let key = (self.number(pair.viewer), self.number(pair.target));
        let edge = match stored.edges.get(&key) {
            None => Edge::None,
            Some(1) => Edge::Following,
            Some(2) => Edge::Requested,
            Some(_) => Edge::Blocking,
        };
        Standing { edge, muting: stored.mutes.contains(&key) }
    }

    async fn ask_about_pairs(
        &self,
        pairs: &[Pair],
        doors: Doors,
        verdict: &mut Verdict,
    ) -> Result<(), Failure> {
        let mut asker = self.asker(doors);
        for viewer in viewers(pairs) {
            let own: Vec<&Pair> = pairs.iter().filter(|pair| pair.viewer == viewer).collect();
            let ids: Vec<&str> = own.iter().map(|pair| self.id(pair.target)).collect();
            let path = format!("/v1/me/relationships?ids={}", ids.join(","));
            let body = get(&mut asker, Side::Relations, viewer, &path).await?;
            for (pair, item) in own.into_iter().zip(items(&body)) {
                let seen = standing(&item["relationship"]);
                let right = item["id"] == self.id(pair.target) && seen == pair.known;
                verdict.note(right, || {
                    format!("{} says {seen:?}, the tables have {:?}", doors.relations, pair.known)
                });
            }
        }
        Ok(())
    }

    /// Counts have to have grown by as much as there is more.
    async fn compare_counts(
        &self,
        pairs: &[Pair],
        instances: &[Doors],
        verdict: &mut Verdict,
    ) -> Result<(), Failure> {
        for doors in instances {
            let mut asker = self.asker(*doors);
            for viewer in viewers(pairs) {
                let of = |edge: Edge| {
                    let those = pairs.iter().filter(|pair| pair.viewer == viewer && pair.known.edge == edge);
                    i64::try_from(those.count()).unwrap_or(i64::MAX)
                };
                let before = self.before.iter().find(|(person, _)| *person == viewer);
                let before = before.map(|(_, counts)| *counts).unwrap_or_default();
                let expected = [before[0] + of(Edge::Following), before[1] + of(Edge::Requested)];
                let seen = self.counts(&mut asker, viewer).await?;
                let what = || format!("{} counts {seen:?} instead of {expected:?}", doors.relations);
                verdict.note(seen == expected, what);
            }
        }
        Ok(())
    }

    async fn counts(&self, asker: &mut Asker, viewer: u32) -> Result<[i64; 2], Failure> {
        let path = format!("/v1/users/{}/counts", self.id(viewer));
        let body = get(asker, Side::Relations, viewer, &path).await?;
        Ok(["following", "requests_sent"].map(|name| body[name].as_i64().unwrap_or(-1)))
    }

    fn settle_names(&self, names: &mut [Name], verdict: &mut Verdict) -> Result<(), Failure> {
        let people: Vec<i64> = names.iter().map(|name| self.number(name.person)).collect();
        let stored = store::display_names(&self.databases[0], &people)?;
        for (name, id) in names.iter_mut().zip(people) {
            let seen = stored.get(&id).map_or(0, |text| number_in(text));
            let what = || format!("the table has name {seen}, acknowledged was {}", name.known);
            verdict.note(name.may_be(seen), what);
            name.settle(seen);
        }
        Ok(())
    }

    async fn ask_about_names(
        &self,
        names: &[Name],
        doors: Doors,
        verdict: &mut Verdict,
    ) -> Result<(), Failure> {
        let mut asker = self.asker(doors);
        for name in names {
            let path = format!("/v1/users/{}", self.id(name.person));
            let body = get(&mut asker, Side::Users, name.person, &path).await?;
            let seen = number_in(body["display_name"].as_str().unwrap_or_default());
            let what = || format!("{} says name {seen}, the table has {}", doors.users, name.known);
            verdict.note(seen == name.known, what);
        }
        Ok(())
    }

    /// Takes a follow that was acknowledged out of the tables. Returns whether there was one.
    pub fn sabotage(&self, load: &Load) -> Result<bool, Failure> {
        let pairs = load.pairs.iter().flat_map(|pairs| pairs.borrow().clone());
        let Some(pair) =
            pairs.into_iter().find(|pair| pair.known.edge == Edge::Following && pair.is_certain())
        else {
            return Ok(false);
        };
        let (viewer, target) = (self.number(pair.viewer), self.number(pair.target));
        store::lose_follow(&self.databases[1], viewer, target)?;
        Ok(true)
    }

    /// What these looks count is of no interest.
    fn asker(&self, doors: Doors) -> Asker {
        Asker::new(&self.world, doors, &Rc::<RefCell<Tally>>::default())
    }

    fn id(&self, number: u32) -> &str {
        self.world.id(self.world.person(number))
    }

    fn number(&self, number: u32) -> i64 {
        self.id(number).parse().unwrap_or_default()
    }
}

impl Verdict {
    fn note(&mut self, right: bool, what: impl FnOnce() -> String) {
        self.compared += 1;
        if !right {
            self.lost_count += 1;
            if self.lost.len() < TOLD_MAX {
                self.lost.push(what());
            }
        }
    }

    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.compared += other.compared;
        self.lost_count += other.lost_count;
        self.lost.extend(other.lost);
        self.lost.truncate(TOLD_MAX);
    }
}

async fn get(asker: &mut Asker, side: Side, viewer: u32, path: &str) -> Result<Value, Failure> {
    let began = Instant::now();
    loop {
        match asker.ask(side, Who::Person(viewer), "GET", path, None).await {
            (Some(200), body) => return Ok(body),
            // A busy machine may refuse.
            (None | Some(503), _) if began.elapsed() < PATIENCE => sleep(ASK_EVERY).await,
            (status, body) => {
                let text = format!("{path} after everything had healed: {status:?} {body}");
                return Err(io::Error::other(text).into());
            }
        }
    }
}

fn items(body: &Value) -> &[Value] {
    body["items"].as_array().map_or(&[], Vec::as_slice)
}

fn viewers(pairs: &[Pair]) -> BTreeSet<u32> {
    pairs.iter().map(|pair| pair.viewer).collect()
}
