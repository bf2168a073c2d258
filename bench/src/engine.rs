//! The write path alone: follows through the engine of relation-service, in transactions of a fixed size, without HTTP.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use relation_service::actors::change::{Answer, Command, Learned, RelationEngine};
use relation_service::domain::Action;
use relation_service::store;
use relation_service::store::fact::KnownUser;
use relation_service::store::graph::{Graph as Memory, Remembering};
use shared::cache::CacheSize;
use shared::clock::Clock;
use shared::db::{Checkpoints, Conn, DatabaseUrl, StoreError, open_bulk_writer};
use shared::facts::{AccountStatus, Audience, ListAudience, UserFacts};
use shared::id::UserId;
use shared::process::say;
use shared::writer::commit_batch;

use crate::cli::Engine;
use crate::failure::Failure;
use crate::graph::{Graph, synthetic};
use crate::http::naive::LIMITS;
use crate::number::{count, place, real};
use crate::scratch::Scratch;
use crate::services::child::cpu_time;
use crate::store::table_sizes;

/// The id of the first person, and the distance to the next: as far apart as people who register one after the other.
const FIRST_ID: i64 = 1 << 57;
const ID_STEP: i64 = 7 << 20;
/// Follows in one transaction of the load.
const LOAD_BATCH: usize = 65_536;
/// People of whom the feed tells at once.
const PEOPLE_AT_ONCE: usize = 1_024;
/// Draws of a pair of which one is new.
const DRAWS_MAX: usize = 64;

/// Measures and prints.
pub fn run(settings: &Engine) -> Result<(), Failure> {
    let graph = synthetic::draw(settings.drawn.people, settings.drawn.degree_scale, settings.drawn.seed);
    let scratch = Scratch::within(&std::env::temp_dir(), "bench-engine")?;
    let file = match &settings.database {
        None => loaded(scratch.path().join("relation.db"), &graph)?,
        Some(kept) if kept.exists() => kept.clone(),
        Some(new) => loaded(new.clone(), &graph)?,
    };
    say(&format!("{}; on disk, bytes a follow:", synthetic::describe(&graph)));
    for (name, bytes) in table_sizes(&file)?.into_iter().filter(|(_, bytes)| *bytes > (1 << 16)) {
        say(&format!("  {name:<24} {:>7.2}", real(bytes) / real(count(graph.edges.len()))));
    }
    say("batch  follows/s  CPU us  commit p50/p99 ms  written bytes  writes    (a follow)");
    for batch in &settings.batch {
        let copy = scratch.path().join(format!("copy-{batch}.db"));
        fs::copy(&file, &copy)?;
        Line::draw(settings, &graph, *batch).measure(&copy)?;
        remove(&copy)?;
    }
    Ok(())
}

fn remove(file: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm"] {
        match fs::remove_file(format!("{}{ending}", file.display())) {
            Err(failure) if failure.kind() != io::ErrorKind::NotFound => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}

fn id(person: u32) -> UserId {
    UserId::new(FIRST_ID + i64::from(person) * ID_STEP)
}

/// As of somebody who has just registered.
fn facts(username: String) -> UserFacts {
    UserFacts {
        display_name: username.clone(),
        username,
        avatar_url: None,
        verified: false,
        status: AccountStatus::Active,
        private_account: false,
        show_relations: ListAudience::Everyone,
        show_counts: true,
        suggest_to_others: true,
        messages_from: Audience::Everyone,
        comments_from: Audience::Everyone,
        mentions_from: Audience::Everyone,
    }
}

fn follow(source: u32, target: u32) -> Command {
    Command::Act { source: id(source), target: id(target), action: Action::Follow { notify: None } }
}

/// A database with the graph, written as `mutual import-graph` writes it.
fn loaded(file: PathBuf, graph: &Graph) -> Result<PathBuf, StoreError> {
    let mut conn = open_bulk_writer(&DatabaseUrl::sqlite(&file))?;
    store::migrate(&mut conn)?;
    let engine = RelationEngine::new(LIMITS);
    let people: Vec<u32> = (0..).take(graph.nodes.len()).collect();
    for piece in people.chunks(PEOPLE_AT_ONCE) {
        let user = |person: &u32| KnownUser { id: id(*person), seq: 1, facts: facts(format!("n{person}")) };
        let users = piece.iter().map(user).collect();
        let learn = Command::Learn(Learned { users, ..Learned::default() });
        commit_batch(&mut conn, &engine, &[learn], &Clock::system())?;
    }
    for piece in graph.edges.chunks(LOAD_BATCH) {
        let commands: Vec<Command> = piece.iter().map(|&(source, target)| follow(source, target)).collect();
        commit_batch(&mut conn, &engine, &commands, &Clock::system())?;
    }
    Ok(file)
}

/// Transactions of one size.
struct Line {
    batch: usize,
    batches: Vec<Vec<Command>>,
    engine: RelationEngine,
}

impl Line {
    /// Follows that are new: whose is anybody's of so many, who is followed half of the time in proportion to followers.
    fn draw(settings: &Engine, graph: &Graph, batch: u16) -> Self {
        let batch = usize::from(batch);
        let mut rng = Rng::with_seed(settings.drawn.seed);
        let people = u32::try_from(graph.nodes.len()).unwrap_or(u32::MAX);
        let mut viewers: Vec<u32> = (0..people).collect();
        rng.shuffle(&mut viewers);
        viewers.truncate(place(u64::from(settings.viewers)));
        let mut there: std::collections::HashSet<(u32, u32)> = graph.edges.iter().copied().collect();
        let mut pair = || {
            for _ in 0..DRAWS_MAX {
                let source = viewers[rng.usize(..viewers.len())];
                let drawn = if rng.bool() {
                    graph.edges[rng.usize(..graph.edges.len())].1
                } else {
                    rng.u32(..people)
                };
                if source != drawn && there.insert((source, drawn)) {
                    return Some(follow(source, drawn));
                }
            }
            None
        };
        let follows = place(u64::from(settings.follows)).min(batch * place(u64::from(settings.commits)));
        let batches = (0..follows.div_ceil(batch)).map(|_| (0..batch).filter_map(|_| pair()).collect());
        let memory =
            CacheSize::of_mib(settings.cache_mb).map(|size| Remembering(Arc::new(Memory::new(size))));
        Self {
            batch,
            batches: batches.collect(),
            engine: RelationEngine { memory, ..RelationEngine::new(LIMITS) },
        }
    }

    fn measure(&self, file: &Path) -> Result<(), Failure> {
        let mut checkpoints = Checkpoints::of(DatabaseUrl::sqlite(file));
        let mut conn = checkpoints.open_writer()?;
        // What is prepared once, and the pages that every transaction reads.
        let (first, rest) = self.batches.split_at(self.batches.len() / 4);
        for commands in first {
            self.commit(&mut conn, &mut checkpoints, commands)?;
        }
        let (pid, started) = (std::process::id(), Instant::now());
        let (cpu, written) = (cpu_time(pid)?, Written::now()?);
        let mut commits: Vec<Duration> = Vec::with_capacity(rest.len());
        for commands in rest {
            let begun = Instant::now();
            self.commit(&mut conn, &mut checkpoints, commands)?;
            commits.push(begun.elapsed());
        }
        let span = started.elapsed();
        let (cpu, written) = (cpu_time(pid)?.saturating_sub(cpu), Written::now()?.since(written));
        commits.sort_unstable();
        let millis = |percent: usize| {
            let at = (commits.len() * percent / 100).min(commits.len().saturating_sub(1));
            commits.get(at).map_or(0.0, |commit| commit.as_secs_f64() * 1e3)
        };
        let follows = real(count(rest.iter().map(Vec::len).sum()));
        say(&format!(
            "{:>5}  {:>9.0}  {:>6.1}  {:>8.2} / {:>6.2}  {:>13.0}  {:>6.2}",
            self.batch,
            follows / span.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / follows,
            millis(50),
            millis(99),
            real(written.bytes) / follows,
            real(written.calls) / follows,
        ));
        Ok(())
    }

    fn commit(
        &self,
        conn: &mut Conn,
        checkpoints: &mut Checkpoints,
        commands: &[Command],
    ) -> Result<(), Failure> {
        let (answers, _) = commit_batch(conn, &self.engine, commands, &Clock::system())?;
        checkpoints.committed(conn, commands.len());
        let all = answers.iter().all(|answer| matches!(answer, Answer::Acted(acted) if acted.changed));
        if all { Ok(()) } else { Err(io::Error::other("a follow changed nothing").into()) }
    }
}

/// What this process has handed to files.
#[derive(Debug, Clone, Copy)]
struct Written {
    bytes: u64,
    calls: u64,
}

impl Written {
    fn now() -> io::Result<Self> {
        let text = fs::read_to_string("/proc/self/io")?;
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        match (value("wchar:"), value("syscw:")) {
            (Some(bytes), Some(calls)) => Ok(Self { bytes, calls }),
            _ => Err(io::Error::other("/proc/self/io cannot be read")),
        }
    }

    const fn since(self, earlier: Self) -> Self {
        Self { bytes: self.bytes - earlier.bytes, calls: self.calls - earlier.calls }
    }
}
