//! The pgbench line: the same work as one statement, on a throw-away Postgres where a server is installed. There is no HTTP
//! and no token in it, and its tables begin empty: it has it easier.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::failure::Failure;
use crate::figures::Beside;
use crate::number::whole;
use crate::scratch::Scratch;
use crate::services::child::{self, Guarded, Manners, cpu_time_of_family};

const SCRIPT: &str = include_str!("postgres.sh");
const TABLES: &str = include_str!("tables.sql");
const SAME: &str = include_str!("follow.sql");
const WITHOUT_LOG: &str = include_str!("follow_without_log.sql");
/// How long the cluster may take to start.
const START_WAIT: Duration = Duration::from_secs(60);

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Everything that a follow is: the edge twice, two counters, the event, its number without a gap.
    Same,
    /// The edge and the counters alone: nobody waits for the log.
    WithoutLog,
}

/// A running cluster that goes away with this value.
pub struct Cluster {
    // First the server ends, then its directories go.
    _shell: Guarded,
    binaries: PathBuf,
    dir: Scratch,
    sockets: Scratch,
    clients: usize,
    server: u32,
}

impl Cluster {
    /// Makes and starts one within `parent`: durable, as servers are.
    pub async fn start(binaries: &Path, parent: &Path, clients: usize) -> Result<Self, Failure> {
        let dir = Scratch::within(parent, "postgres")?;
        // The path of a socket has to fit into the 107 bytes of an address.
        let sockets = Scratch::within(&std::env::temp_dir(), "bench-pg")?;
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "postgres.sh"]).args([dir.path(), sockets.path(), binaries]);
        let mut shell = Guarded::start_with(shell.stdout(Stdio::piped()), Manners::CloseInput)?;
        let lines = shell.greeting(START_WAIT, |line| line.starts_with("server ")).await?;
        let server = lines.iter().find_map(|line| line.strip_prefix("server ")?.parse().ok());
        let server = server.ok_or_else(|| io::Error::other("Postgres did not say its process"))?;
        let cluster = Self { binaries: binaries.to_owned(), clients, server, _shell: shell, dir, sockets };
        for (name, text) in [("tables.sql", TABLES), ("same.sql", SAME), ("without_log.sql", WITHOUT_LOG)] {
            fs::write(cluster.file(name), text)?;
        }
        let tables = cluster.file("tables.sql");
        let mut psql = cluster.client("psql");
        psql.args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--file"]).arg(tables);
        match child::run(&mut psql).await? {
            (status, _) if status.success() => Ok(cluster),
            (_, said) => Err(io::Error::other(format!("the tables could not be made: {said}")).into()),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        command
            .arg("--host")
            .arg(self.sockets.path())
            .args(["--username", "postgres"])
            .env("PGDATABASE", "postgres");
        command
    }

    /// One run of pgbench.
    pub async fn ask(&self, work: Work, span: Duration) -> Result<Beside, Failure> {
        let (name, file) = match work {
            Work::Same => ("pgbench, the same work in one statement", "same.sql"),
            Work::WithoutLog => ("pgbench, the edge and counters without the log", "without_log.sql"),
        };
        let clients = self.clients.to_string();
        let seconds = whole(span.as_secs_f64().ceil().max(1.0)).to_string();
        let mut pgbench = self.client("pgbench");
        pgbench.args(["--no-vacuum", "--protocol", "prepared", "--client", &clients, "--jobs", "1"]);
        pgbench.args(["--time", &seconds, "--file"]).arg(self.file(file)).stderr(Stdio::null());
        let before = cpu_time_of_family(self.server)?;
        let (status, said) = child::run(&mut pgbench).await?;
        let used = cpu_time_of_family(self.server)?.saturating_sub(before);
        let number = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        let done = number("number of transactions actually processed: ").unwrap_or(0.0);
        match number("tps = ") {
            Some(rate) if status.success() && done > 0.0 => {
                Ok(Beside { name, rate, micros: used.as_secs_f64() * 1e6 / done })
            }
            _ => Err(io::Error::other(format!("pgbench failed: {said}")).into()),
        }
    }
}

/// Where the server and pgbench are: on the path, or where Debian puts them, the newest version.
pub fn binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH");
    let on_path: Vec<PathBuf> = on_path.iter().flat_map(std::env::split_paths).collect();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    let all_there = |place: &PathBuf| {
        ["initdb", "postgres", "psql", "pgbench"].iter().all(|program| place.join(program).is_file())
    };
    versions.into_iter().rev().chain(on_path).find(all_there)
}
