//! Measuring one operation: rounds that take turns with the hello line, then percentiles.

use std::cell::RefCell;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use indicatif::ProgressBar;

use crate::beside::{Neighbours, Place};
use crate::failure::Failure;
use crate::figures::{Measured, Percentiles, Round};
use crate::generator::{Generator, Introduction, Replay, Walk};
use crate::load::{Figures, Lanes, Source};
use crate::metrics;
use crate::number::{median, place, real, whole};
use crate::plan::Operation;
use crate::processors::Processors;
use crate::services::child::{Guarded, cpu_time};
use crate::services::{Services, address_of};
use crate::world::World;

/// How long requests are asked in one go before anything counts.
const WARM_UP: Duration = Duration::from_millis(500);
/// So often at the most.
const WARM_UPS_MAX: usize = 60;
/// So few answers had to load something where all that is asked for is remembered.
const LOADS_A_REQUEST: f64 = 0.001;
/// A rate that has not grown by this factor grows no more.
const STEADY: f64 = 1.03;
/// How long a server for comparison may take to listen.
const LISTEN_WAIT: Duration = Duration::from_secs(10);
/// Requests that the hello line is sent in turn.
const REPLAYED: usize = 512;
/// How long undoing what an operation has done may take.
const UNDO_WAIT: Duration = Duration::from_secs(300);
/// How long a look at everybody may take.
const WALK_WAIT: Duration = Duration::from_secs(300);
/// How long everybody's first request may take.
const INTRODUCTION_WAIT: Duration = Duration::from_secs(60);
/// The part of the peak rate at which percentiles are taken.
const OPEN_PART: f64 = 0.5;
/// So far apart are the seeds of the generators of a run.
const SEED_OF_REPLAY: u64 = 1 << 32;

/// How to measure.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// Connections.
    pub connections: usize,
    /// Threads of each server.
    pub workers: usize,
    /// Rounds.
    pub rounds: u16,
    /// How long a round is.
    pub round: Duration,
    /// How long the open loop is.
    pub open: Duration,
    /// Whether follows are compared with pgbench too, where a server is installed.
    pub postgres: bool,
    /// What is drawn.
    pub seed: u64,
}

/// A server for comparison: it ends with this value.
pub struct Rival {
    process: Guarded,
    lanes: Lanes,
}

impl Rival {
    /// Starts this program with another command, and waits until it says where it listens.
    pub async fn start(words: &[&str], method: Method) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(words).args(["--workers", &method.workers.to_string()]).stdout(Stdio::piped());
        let mut process = Guarded::start(&mut command)?;
        let lines = process.greeting(LISTEN_WAIT, |line| line.starts_with("http://")).await?;
        let address = address_of(lines.last().map_or("", String::as_str))?;
        Ok(Self { process, lanes: Lanes::new(method.connections, address, address) })
    }

    /// A closed loop: the rate, and microseconds of processor time for each request.
    pub async fn ask(
        &mut self,
        source: &RefCell<dyn Source>,
        span: Duration,
    ) -> Result<(Figures, f64), Failure> {
        let before = cpu_time(self.process.pid())?;
        let figures = self.lanes.closed(source, span).await?;
        let used = cpu_time(self.process.pid())?.saturating_sub(before);
        let each = micros_each(used, figures.answers);
        Ok((all_right("hello line", figures)?, each))
    }
}

/// Has the services remember people before any of them counts, so that what is measured is not who was met before.
pub async fn walk(world: &Rc<World>, services: &Services, method: Method) -> Result<(), Failure> {
    let mut lanes = Lanes::new(method.connections, services.users, services.relations);
    introduce(world, &mut lanes).await?;
    let everybody = RefCell::new(Walk::new(world.clone()));
    all_right("walk", lanes.closed(&everybody, WALK_WAIT).await?)?;
    Ok(())
}

/// Measures everything about one operation.
pub async fn measure(
    operation: &Operation,
    world: &Rc<World>,
    services: &Services,
    method: Method,
    place: Option<&Place>,
    progress: &ProgressBar,
) -> Result<Measured, Failure> {
    let name = operation.name.as_str();
    let mut lanes = Lanes::new(method.connections, services.users, services.relations);
    introduce(world, &mut lanes).await?;
    let generator = Rc::new(RefCell::new(Generator::new(world.clone(), &operation.mix, method.seed)));
    let source: &RefCell<dyn Source> = &*generator;
    let warm = warm_up(name, services, &mut lanes, source).await?;
    let replay = {
        let mut drawn = Generator::new(world.clone(), &operation.mix, method.seed + SEED_OF_REPLAY);
        RefCell::new(Replay::of(&mut drawn, REPLAYED))
    };
    let bytes = whole(warm.body_bytes.round()).to_string();
    let headers = warm.headers.to_string();
    let words = ["hello", "--response-bytes", &bytes, "--response-headers", &headers];
    let mut hello = Rival::start(&words, method).await?;
    hello.ask(&replay, WARM_UP).await?;
    let mut neighbours = match place.filter(|_| operation.beside_others) {
        Some(place) => Some(Neighbours::start(place, world, method).await?),
        None => None,
    };
    let mut measured = Measured::new(name, &warm);
    for _ in 0..method.rounds {
        introduce(world, &mut lanes).await?;
        let mut round = ask_services(name, services, &mut lanes, source, method.round, &mut measured).await?;
        let (figures, cpu) = hello.ask(&replay, method.round).await?;
        (round.hello_rate, round.hello_micros) = (figures.rate(), cpu);
        if let Some(neighbours) = &mut neighbours {
            round.beside = neighbours.ask(method.round).await?;
        }
        measured.rounds.push(round);
        progress.inc(1);
    }
    if !method.open.is_zero() {
        introduce(world, &mut lanes).await?;
        let rate = median(measured.rounds.iter().map(|round| round.rate)) * OPEN_PART;
        measured.open = Some(percentiles(name, &mut lanes, source, rate, method.open).await?);
        let hello = percentiles("hello line", &mut hello.lanes, &replay, rate, method.open).await?;
        measured.hello_open = Some(hello);
        progress.inc(1);
    }
    undo(name, &generator, &mut lanes).await?;
    Ok(measured)
}

/// An open loop.
async fn percentiles(
    name: &str,
    lanes: &mut Lanes,
    source: &RefCell<dyn Source>,
    rate: f64,
    span: Duration,
) -> Result<Percentiles, Failure> {
    let before = Processors::now()?;
    let figures = all_right(name, lanes.open(source, rate, span).await?)?;
    Ok(Percentiles::of(rate, &figures, Processors::now()?.withheld_since(before)))
}

/// Asks until answers come as fast as they will: until what is asked for is remembered, as far as there is room.
async fn warm_up(
    name: &str,
    services: &Services,
    lanes: &mut Lanes,
    source: &RefCell<dyn Source>,
) -> Result<Figures, Failure> {
    let mut warm = all_right(name, lanes.closed(source, WARM_UP).await?)?;
    let mut loads = metrics::loads(services.metrics).await;
    for _ in 1..WARM_UPS_MAX {
        let next = all_right(name, lanes.closed(source, WARM_UP).await?)?;
        let loads_before = std::mem::replace(&mut loads, metrics::loads(services.metrics).await);
        let is_loaded = loads - loads_before <= real(next.answers) * LOADS_A_REQUEST;
        let is_steady = next.rate() < warm.rate() * STEADY;
        warm = next;
        if is_steady && is_loaded {
            break;
        }
    }
    Ok(warm)
}

/// Lets everybody sign in anew where their tokens have grown old.
async fn introduce(world: &Rc<World>, lanes: &mut Lanes) -> Result<(), Failure> {
    if world.renew_tokens()? {
        let everybody = RefCell::new(Introduction::new(world.clone()));
        all_right("introduction", lanes.closed(&everybody, INTRODUCTION_WAIT).await?)?;
    }
    Ok(())
}

/// One round against the services.
async fn ask_services(
    name: &str,
    services: &Services,
    lanes: &mut Lanes,
    source: &RefCell<dyn Source>,
    span: Duration,
    measured: &mut Measured,
) -> Result<Round, Failure> {
    let time_of = |pid: Option<u32>| pid.map_or(Ok(Duration::ZERO), cpu_time);
    let allocated = metrics::allocations(services.metrics).await;
    let (server, client) = (time_of(services.pid)?, cpu_time(std::process::id())?);
    let figures = all_right(name, lanes.closed(source, span).await?)?;
    let server = time_of(services.pid)?.saturating_sub(server);
    let client = cpu_time(std::process::id())?.saturating_sub(client);
    measured.add(&figures);
    let allocations = metrics::allocations(services.metrics).await.zip(allocated);
    Ok(Round {
        rate: figures.rate(),
        micros: micros_each(server, figures.answers),
        client_cores: client.as_secs_f64() / figures.wall.as_secs_f64(),
        server_cores: server.as_secs_f64() / figures.wall.as_secs_f64(),
        allocations: allocations.map(|(after, before)| (after - before) / real(figures.answers)),
        ..Round::default()
    })
}

/// Ends every follow that the operation has left, so that the next one finds the graph as it was.
async fn undo(name: &str, generator: &Rc<RefCell<Generator>>, lanes: &mut Lanes) -> Result<(), Failure> {
    generator.borrow_mut().undo();
    let before = generator.borrow().standing();
    if before == 0 {
        return Ok(());
    }
    let source: &RefCell<dyn Source> = &**generator;
    let figures = all_right(name, lanes.closed(source, UNDO_WAIT).await?)?;
    let left = before.saturating_sub(place(figures.answers));
    if left == 0 { Ok(()) } else { Err(unexpected(name, format!("{left} follows could not be ended"))) }
}

/// The figures, if nothing unexpected is among them.
pub fn all_right(operation: &str, figures: Figures) -> Result<Figures, Failure> {
    if figures.wrong.is_empty() && figures.answers > 0 {
        return Ok(figures);
    }
    let wrong = figures.wrong.iter().map(|(what, times)| format!("{times} x {what}"));
    let wrong: Vec<String> = wrong.collect();
    Err(unexpected(
        operation,
        if wrong.is_empty() { "no answer at all".to_owned() } else { wrong.join("; ") },
    ))
}

fn unexpected(operation: &str, what: String) -> Failure {
    Failure::Unexpected { operation: operation.to_owned(), what }
}

/// Microseconds for each of `answers`.
pub fn micros_each(time: Duration, answers: u64) -> f64 {
    time.as_secs_f64() * 1e6 / real(answers.max(1))
}
