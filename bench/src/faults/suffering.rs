//! One fault after the other, on a stack under load.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use shared::db::DatabaseUrl;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::asker::Doors;
use super::check::Checker;
use super::fault::{Fault, Spans};
use super::load::{Load, make_private};
use super::report::Row;
use super::stack::{self, Lag, Stack};
use super::stream;
use super::tally::Tally;
use crate::cli::Faults;
use crate::failure::Failure;
use crate::world::World;

/// How long the load runs before a fault: nothing may be refused then.
const BEFORE: Duration = Duration::from_secs(1);
/// How long everything has to be answered until it counts as healed.
const CALM: Duration = Duration::from_secs(2);
/// How long that may take.
pub const HEAL_WAIT: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often instances are asked how far behind they are.
const LAG_EVERY: Duration = Duration::from_secs(1);
/// How often this program looks whether it runs at all.
const BEAT: Duration = Duration::from_millis(100);
/// Whoever stops it for longer, or leaves it no processor, stops the services too: nothing that clients then see says
/// anything about a fault.
const STOOD_STILL: Duration = Duration::from_secs(4);
/// How many rounds may be lost to that.
const LOST_ROUNDS_MAX: u32 = 20;

/// The load, and what is known of it.
pub struct Suffering {
    world: Rc<World>,
    load: Load,
    checker: Checker,
    /// Each instance of relation-service with one of user-service.
    instances: Vec<Doors>,
    /// The largest since it was last taken.
    lag: Rc<Cell<Lag>>,
    /// How often this program stood still.
    stops: Rc<Cell<u32>>,
    sabotage: bool,
    _watcher: JoinSet<()>,
}

impl Suffering {
    /// Starts the load.
    pub async fn begin(stack: &Stack, world: Rc<World>, settings: &Faults) -> Result<Self, Failure> {
        world.renew_tokens()?;
        make_private(&world, stack.doors()).await?;
        stack.level().await?;
        let load = Load::start(&world, stack.doors(), settings.rate, settings.seed);
        let gate = load.pause().await;
        let databases =
            stack.databases.each_ref().map(|database| DatabaseUrl::Postgres(database.url.clone()));
        let checker = Checker::begin(&world, &load, stack.doors(), databases).await?;
        drop(gate);
        let users = stack.users.iter().cycle();
        let instances = stack.relations.iter().zip(users);
        let instances =
            instances.map(|(relations, users)| Doors { users: users.address, relations: relations.address });
        let lag = Rc::new(Cell::new(Lag::default()));
        let mut watcher = JoinSet::new();
        watcher.spawn_local(watch(stack.admin_addresses(), lag.clone()));
        let stops = Rc::new(Cell::new(0));
        watcher.spawn_local(beat(stops.clone()));
        Ok(Self {
            world,
            load,
            checker,
            instances: instances.collect(),
            lag,
            stops,
            sabotage: settings.sabotage,
            _watcher: watcher,
        })
    }

    /// Inflicts a fault so many times. What was seen comes also where it could not go on.
    pub async fn suffer(
        &mut self,
        stack: &mut Stack,
        fault: Fault,
        rounds: u32,
        spans: Spans,
    ) -> Result<Row, (Box<Row>, Failure)> {
        let mut row = Row { name: fault.name(), ..Row::default() };
        let before = self.load.acknowledged();
        let bar = ProgressBar::new(rounds.into()).with_message(fault.name());
        let style = "{msg} {wide_bar} {pos} of {len} times";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let mut done = Ok(());
        while done.is_ok() && row.rounds < rounds && row.disturbed <= LOST_ROUNDS_MAX {
            let mut round = Row::default();
            let stops = self.stops.get();
            done = self.round(stack, fault, spans, &mut round).await;
            if self.stops.get() == stops {
                row.add(round);
                bar.inc(1);
            } else {
                // What was acknowledged has to be there all the same.
                row.verdict.add(round.verdict);
                row.tally.stale.extend(round.tally.stale);
                row.disturbed += 1;
            }
        }
        bar.finish_and_clear();
        if done.is_ok() && row.rounds < rounds {
            let text = format!("only {} rounds: in {} the machine stood still", row.rounds, row.disturbed);
            row.problems.push(text);
        }
        if done.is_ok() {
            done = self.end(stack, &mut row).await;
        }
        row.acknowledged = self.load.acknowledged() - before;
        row.lag = self.lag.take();
        row.judge(|what, trouble| fault.excuses(what, trouble));
        match done {
            Ok(()) => Ok(row),
            Err(failure) => {
                row.problems.push(failure.to_string());
                Err((Box::new(row), failure))
            }
        }
    }

    async fn round(
        &mut self,
        stack: &mut Stack,
        fault: Fault,
        spans: Spans,
        row: &mut Row,
    ) -> Result<(), Failure> {
        sleep(BEFORE).await;
        let calm = self.load.take_tally();
        if !calm.bad.is_empty() {
            row.problems.push(format!("before it, {:?}", calm.troubles()));
        }
        row.tally.add(Tally { bad: BTreeMap::new(), ..calm });
        row.rounds += 1;
        let over = fault.inflict(stack, spans).await?;
        match heal(&self.load, over, async || stack.is_ready().await).await {
            Some(took) => row.healed.push(took),
            None => row.problems.push(format!("not healed within {HEAL_WAIT:?}")),
        }
        let _gate = self.load.pause().await;
        row.tally.add(self.load.take_tally());
        self.world.renew_tokens()?;
        if self.sabotage {
            self.sabotage = !self.checker.sabotage(&self.load)?;
        }
        row.verdict.add(self.checker.look(&self.load, &self.instances).await?);
        Ok(())
    }

    /// With nobody asking, everything has to be told, and the audit clean.
    async fn end(&self, stack: &Stack, row: &mut Row) -> Result<(), Failure> {
        let _gate = self.load.pause().await;
        stack.level().await?;
        row.problems.extend(stream::compare(stack).await?);
        match stack.operator.audit().await {
            Ok(lines) => row.audited = lines.len(),
            Err(Failure::Drift) => row.problems.push("the audit found drift".to_owned()),
            Err(failure) => return Err(failure),
        }
        Ok(())
    }
}

/// From the end of a fault until the last trouble, if there is an end of it.
pub async fn heal(load: &Load, over: Instant, is_ready: impl AsyncFn() -> bool) -> Option<Duration> {
    let mut last_bad = over;
    while last_bad.elapsed() < CALM {
        if over.elapsed() > HEAL_WAIT {
            return None;
        }
        if !is_ready().await {
            last_bad = Instant::now();
        }
        last_bad = last_bad.max(load.last_bad().unwrap_or(over));
        sleep(LOOK_EVERY).await;
    }
    Some(last_bad.duration_since(over))
}

/// Counts how often this program stood still.
async fn beat(stops: Rc<Cell<u32>>) {
    loop {
        let began = Instant::now();
        sleep(BEAT).await;
        if began.elapsed() > STOOD_STILL {
            stops.set(stops.get() + 1);
        }
    }
}

/// Keeps the largest lag.
async fn watch(addresses: Vec<SocketAddr>, largest: Rc<Cell<Lag>>) {
    loop {
        let lag = stack::lag(&addresses).await;
        largest.set(largest.get().max(lag));
        sleep(LAG_EVERY).await;
    }
}
