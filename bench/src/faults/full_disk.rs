//! The embedded default on a disk that is full: writes are refused, nothing that was acknowledged is lost, and it heals
//! when there is room again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use shared::db::DatabaseUrl;
use shared::secret;
use shared::token::TokenSigner;
use tokio::time::sleep;

use super::asker::Doors;
use super::check::Checker;
use super::leftovers;
use super::load::{Load, make_private};
use super::network;
use super::report::Row;
use super::stack::{Lag, Programs, lag};
use super::suffering::{HEAL_WAIT, heal};
use super::tally::Trouble;
use crate::cli::Faults;
use crate::failure::Failure;
use crate::graph::synthetic;
use crate::scratch::Scratch;
use crate::services::{Operator, Services};
use crate::setup;
use crate::world::World;

/// As the report calls it.
pub const NAME: &str = "disk full, embedded databases";
/// How large the disk is.
const DISK: &str = "size=64m,mode=0700";
/// How long it is full.
const FULL_FOR: Duration = Duration::from_secs(20);
/// How long the load runs before: nothing may be refused then.
const BEFORE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What the disk is filled with at a time: less room than this is no room for a page of a database.
const FILL_BYTES: usize = 1 << 10;
const PEOPLE: u32 = 1_000;
const DEGREE_SCALE: u32 = 3;

/// A disk of its own in memory; it goes away with this value.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Result<Self, Failure> {
        network::run(Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "bench-faults"]).arg(at))?;
        Ok(Self(at.to_owned()))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Leaves no room.
    fn fill(&self) -> io::Result<()> {
        let mut filler = File::options().create(true).append(true).open(self.filler())?;
        let bytes = vec![0; FILL_BYTES];
        loop {
            match filler.write_all(&bytes) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = network::run(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}

/// Fills the disk under load, and makes room again.
pub async fn suffer(settings: &Faults, programs: &Programs, parent: &Path) -> Result<Row, Failure> {
    let scratch = Scratch::within(parent, leftovers::DISK_DIR)?;
    let disk = Disk::mount(scratch.path())?;
    let data_dir = disk.0.join("data");
    let operator = Operator { program: programs.services.join("mutual"), data_dir, databases: None };
    let graph = synthetic::draw(PEOPLE, DEGREE_SCALE, settings.seed);
    let file = disk.0.join("graph");
    graph.write(&file)?;
    operator.import(&file, false).await?;
    let token = operator.service_token().await?;
    let services = operator.serve(0).await?;
    let ids = setup::ids(&graph, services.users, &token).await?;
    let signer = TokenSigner::new(&secret::load(&operator.data_dir.join("signing-key"))?);
    let signer = signer.ok_or_else(|| io::Error::other("the signing key cannot be used"))?;
    let people = graph.nodes.len();
    let world = Rc::new(World::new(graph, ids, (people, people), signer, &token, settings.seed));
    world.renew_tokens()?;
    let row = under_load(settings, &world, &services, &operator, &disk).await?;
    services.stop().await?;
    Ok(row)
}

async fn under_load(
    settings: &Faults,
    world: &Rc<World>,
    services: &Services,
    operator: &Operator,
    disk: &Disk,
) -> Result<Row, Failure> {
    let doors = Doors { users: services.users, relations: services.relations };
    make_private(world, doors).await?;
    let load = Load::start(world, doors, settings.rate, settings.seed);
    let gate = load.pause().await;
    let databases = ["user.db", "relation.db"].map(|name| DatabaseUrl::sqlite(operator.data_dir.join(name)));
    let checker = Checker::begin(world, &load, doors, databases).await?;
    drop(gate);
    sleep(BEFORE).await;
    let mut row = Row { name: NAME.to_owned(), rounds: 1, ..Row::default() };
    row.tally.add(load.take_tally());
    row.problems
        .extend((!row.tally.bad.is_empty()).then(|| format!("before it, {:?}", row.tally.troubles())));
    let worst = fill(&load, disk, services.metrics).await?;
    fs::remove_file(disk.filler())?;
    let over = Instant::now();
    match heal(&load, over, async || true).await {
        Some(took) => row.healed.push(took),
        None => row.problems.push(format!("not healed within {HEAL_WAIT:?}")),
    }
    let _gate = load.pause().await;
    row.tally.add(load.take_tally());
    row.lag = worst;
    row.verdict = checker.look(&load, &[doors]).await?;
    row.acknowledged = load.acknowledged();
    match operator.audit().await {
        Ok(lines) => row.audited = lines.len(),
        Err(Failure::Drift) => row.problems.push("the audit found drift".to_owned()),
        Err(failure) => return Err(failure),
    }
    // Writes are refused, and reads are not.
    row.judge(|what, trouble| what.write && *trouble == Trouble::Status(503));
    Ok(row)
}

/// Keeps the disk full for a while: what the services give back meanwhile is taken too.
async fn fill(load: &Load, disk: &Disk, metrics: Option<SocketAddr>) -> Result<Lag, Failure> {
    let began = Instant::now();
    let mut worst = Lag::default();
    while began.elapsed() < FULL_FOR {
        disk.fill()?;
        worst = worst.max(lag(metrics.as_slice()).await);
        sleep(LOOK_EVERY).await;
    }
    if load.last_bad().is_none() {
        return Err(io::Error::other("nobody noticed that the disk was full").into());
    }
    Ok(worst)
}
