//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use shared::db::DatabaseUrl;

/// Measures both services over HTTP, each figure beside a bare handler of the same library on the same machine.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure, audit, report.
    ///
    /// Loads a graph, starts the services on it, and asks them in a closed loop (as fast as answers come) for peaks and in
    /// an open loop (at half of the peak, at times that answers do not move) for percentiles. Rounds of each operation take
    /// turns with rounds of the hello line: a bare handler that is sent the same requests, and answers as many bytes and
    /// headers, with as many threads and connections. A figure says most as a ratio to it: of requests a second, and of the
    /// server's processor time a request, which other programs on the machine disturb less.
    ///
    /// The load comes from one thread on the same machine; its share is shown. Every answer's status is checked, one body in
    /// 64 is compared with what the graph says, and the run ends with `mutual audit`.
    ///
    /// Exit codes: 0 measured, 1 wrong answers, drift or slower than the baseline, 2 the command makes no sense.
    #[command(after_help = "Examples:
  cargo run --release -p bench -- run
  cargo run --release -p bench -- run --graph twitter_combined.txt.gz --report report.md --json report.json
  cargo run --release -p bench -- run --only relationship --only follow --rounds 9
  cargo run --release -p bench -- run --short --baseline bench/baseline.json")]
    Run(Box<Run>),
    /// Write the graph that a run draws to a file, for services that are started by hand.
    Graph(DrawGraph),
    /// Measure the write path alone: follows through the engine of relation-service, in transactions of a fixed size, without
    /// HTTP. Says what a follow costs in processor time, in bytes written and in bytes kept.
    #[command(after_help = "Example:
  cargo run --release -p bench -- engine --batch 1 --batch 32 --batch 64")]
    Engine(Engine),
    /// Break a running stack under load, and see that it heals and keeps what it has acknowledged.
    ///
    /// Starts what the profile `scale` of docker-compose.yml has: two Postgres servers, two instances of user-service, three
    /// of relation-service, HAProxy before them, and NATS where it is installed. Each is a process in a network namespace of
    /// its own, on a bridge of its own. Through the proxy come reads and writes at a fixed rate; each asker has people of its
    /// own, so the last acknowledged write says how they stand. Then, one after the other: each instance and each database is
    /// killed (SIGKILL) and started again, --rounds times; a database is shut down for 30 s and stands still for 20 s; the
    /// services cannot reach each other for 60 s; user-service is away for 30 s; all instances are restarted in turn; and the
    /// disk of embedded databases is full for 20 s.
    ///
    /// After each round the load rests, and every pair and name is compared with what was acknowledged: in the tables, and as
    /// each instance tells it. A write that was refused or not answered may be there or not. After each fault `mutual audit` has to
    /// be clean. What clients may be told meanwhile is 503, or 502, 504 and a closed connection of an instance that was killed; 500,
    /// a wrong answer, or 20 s without one are faults of the services.
    ///
    /// Needs root, iproute2, Postgres and HAProxy (Debian: postgresql, haproxy; nats-server if wanted). Nothing else on the
    /// machine is touched, and nothing is left. The programs are those beside this one.
    ///
    /// Exit codes: 0 everything healed, 1 something should not have been and is named, 2 the command makes no sense.
    #[command(after_help = "Examples:
  cargo build --release --workspace && target/release/bench faults --report faults.md
  target/release/bench faults --only 'kill -9 of relation-service' --rounds 100
  target/release/bench faults --short")]
    Faults(Faults),
    /// Answer every request with the same bytes until standard input closes: what `run` starts beside the services.
    #[command(hide = true)]
    Hello(Hello),
    /// Answer follows with one transaction a request until standard input closes: what `run` starts beside the services.
    #[command(hide = true)]
    Naive(Naive),
}

/// What to measure, and how.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// The graph.
    #[command(flatten)]
    pub drawn: Drawn,
    /// Take the graph from this file instead: a line `a b` means a follows b; plain or gzipped.
    #[arg(long, value_name = "FILE")]
    pub graph: Option<PathBuf>,
    /// Each line of the file is a friendship: both follow each other.
    #[arg(long, requires = "graph")]
    pub undirected: bool,
    /// Where the databases are made and kept. With --base-url-user: the directory of the services that run, for their
    /// signing key and for the audit. A directory that goes away if left out.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Put user-service on this empty Postgres database instead. What Postgres itself takes is then not among the processor
    /// time.
    #[arg(long, value_name = "URL", requires = "relation_database_url", conflicts_with = "base_url_user")]
    pub user_database_url: Option<String>,
    /// The same for relation-service.
    #[arg(long, value_name = "URL", requires = "user_database_url")]
    pub relation_database_url: Option<String>,
    /// The program `mutual`; the one beside this program if left out, built if it is not there.
    #[arg(long, value_name = "FILE")]
    pub mutual: Option<PathBuf>,
    /// Measure services that run already, with --rate-limits off and the graph loaded by `mutual import-graph`. Follows are
    /// made and ended again.
    #[arg(long, value_name = "URL", requires_all = ["base_url_relation", "data_dir"])]
    pub base_url_user: Option<String>,
    /// The same for relation-service.
    #[arg(long, value_name = "URL", requires = "base_url_user")]
    pub base_url_relation: Option<String>,
    /// The process of those services, for its processor time and memory.
    #[arg(long, value_name = "PID", requires = "base_url_user")]
    pub server_pid: Option<u32>,
    /// Where those services tell their metrics.
    #[arg(long, value_name = "ADDRESS", requires = "base_url_user")]
    pub metrics: Option<SocketAddr>,
    /// Load services that are not on this machine. Their hello line is on this one, so ratios mean little.
    #[arg(long, requires = "base_url_user")]
    pub allow_remote: bool,
    /// Keep-alive connections to each service.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub connections: u16,
    /// Threads of each service and of the hello line; 0 takes one for each core.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=256))]
    pub workers: u16,
    /// People who are signed in and look.
    #[arg(long, default_value_t = 2_048, value_parser = clap::value_parser!(u32).range(64..=100_000))]
    pub viewers: u32,
    /// People who are looked at; all if left out. Of a graph that is larger than the services' memory, as many as memory has
    /// room for.
    #[arg(long)]
    pub asked: Option<u32>,
    /// Rounds of each operation; the figures are medians.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=99))]
    pub rounds: u16,
    /// How long a round is.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    pub round_seconds: f64,
    /// How long the open loop of each operation is; 0 leaves it out.
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    pub open_seconds: f64,
    /// Measure only what has this name, or else this in its name. May be given several times.
    #[arg(long, value_name = "WORD")]
    pub only: Vec<String>,
    /// Write a report in Markdown, with plots beside it as SVG.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write all figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// For continuous integration: a small graph, few operations, no open loop.
    #[arg(long)]
    pub short: bool,
    /// Fail if a ratio of processor time is less than two thirds of the one in this file.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write this run's ratios into the file of --baseline.
    #[arg(long, requires = "baseline")]
    pub update_baseline: bool,
}

/// A graph of any size, with the degrees of a real one.
#[derive(Debug, Clone, Copy, Args)]
pub struct Drawn {
    /// People of the graph that is drawn: numbers of followers come from the distribution of LinkBench.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1_000..=2_000_000))]
    pub people: u32,
    /// How many times more followers each has than LinkBench's people have edges: those have four.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub degree_scale: u32,
    /// The same seed draws the same graph and the same requests.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Where to write a graph.
#[derive(Debug, Args)]
pub struct DrawGraph {
    /// The graph.
    #[command(flatten)]
    pub drawn: Drawn,
    /// The file.
    pub file: PathBuf,
}

/// What to write, and how.
#[derive(Debug, Args)]
pub struct Engine {
    /// The graph.
    #[command(flatten)]
    pub drawn: Drawn,
    /// Follows in one transaction. May be given several times: then each is measured on a copy of its own.
    #[arg(long, default_values_t = [1, 8, 32, 64], value_parser = clap::value_parser!(u16).range(1..=512))]
    pub batch: Vec<u16>,
    /// Transactions of one size at the most; the first quarter is not measured.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(4..=1_000_000))]
    pub commits: u32,
    /// Follows of one size at the most.
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u32).range(64..=10_000_000))]
    pub follows: u32,
    /// People who follow others.
    #[arg(long, default_value_t = 2_048, value_parser = clap::value_parser!(u32).range(64..=100_000))]
    pub viewers: u32,
    /// Mebibytes of memory, as of the service; 0 for none.
    #[arg(long, default_value_t = 256)]
    pub cache_mb: u32,
    /// Keep the graph's database in this file; one that is there already is taken as it is.
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
}

/// What to break, and how.
#[derive(Debug, Args)]
pub struct Faults {
    /// How often each instance, each database and NATS are killed. Other faults are inflicted once.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// Only the faults that have this in their name, as in the report. May be given several times.
    #[arg(long, value_name = "WORD")]
    pub only: Vec<String>,
    /// Each kill once, and no outage longer than 5 seconds.
    #[arg(long)]
    pub short: bool,
    /// Requests a second.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    pub rate: u32,
    /// The same seed draws the same people and the same requests.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write the report into this file, in Markdown, and not to the terminal.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Keep what all programs have logged in this directory.
    #[arg(long, value_name = "DIR")]
    pub logs: Option<PathBuf>,
    /// Where databases are for the time of the run; the directory for temporary files if left out. Everybody must be able to
    /// enter it, since Postgres does not run as root.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Where user-service, relation-service and mutual are.
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
    /// Take an acknowledged follow out of the tables: the run has to fail.
    #[arg(long, hide = true)]
    pub sabotage: bool,
}

impl Faults {
    /// The settings of the short form.
    pub const fn shortened(mut self) -> Self {
        if self.short {
            self.rounds = 1;
        }
        self
    }
}

/// What to answer.
#[derive(Debug, Args)]
pub struct Hello {
    /// Bytes of the body.
    #[arg(long)]
    pub response_bytes: usize,
    /// Headers of the answer.
    #[arg(long, default_value_t = 3)]
    pub response_headers: usize,
    /// Threads.
    #[arg(long)]
    pub workers: usize,
}

/// What to write to.
#[derive(Debug, Args)]
pub struct Naive {
    /// A relation database that nobody else uses.
    #[arg(long)]
    pub database_url: DatabaseUrl,
    /// Threads.
    #[arg(long)]
    pub workers: usize,
}

/// A length of time that a phase may have.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    if (0.0..=60.0).contains(&seconds) { Ok(seconds) } else { Err("0 to 60 seconds".to_owned()) }
}

impl Run {
    /// The settings of the short form, where the command does not say otherwise.
    pub fn shortened(mut self) -> Self {
        if self.short {
            self.drawn.people = self.drawn.people.min(SHORT_PEOPLE);
            self.rounds = self.rounds.min(SHORT_ROUNDS);
            self.round_seconds = self.round_seconds.min(SHORT_ROUND_SECONDS);
            self.open_seconds = 0.0;
            self.connections = self.connections.min(SHORT_CONNECTIONS);
        }
        self
    }

    /// Refuses other machines, unless that is asked for.
    pub fn allow(&self, address: SocketAddr) -> Result<(), String> {
        if address.ip().is_loopback() || self.allow_remote {
            return Ok(());
        }
        Err(format!("{address} is not on this machine; see --allow-remote"))
    }
}

const SHORT_PEOPLE: u32 = 5_000;
/// So few that no queue is full where other programs have most of the machine.
const SHORT_CONNECTIONS: u16 = 16;
const SHORT_ROUNDS: u16 = 3;
const SHORT_ROUND_SECONDS: f64 = 1.0;
