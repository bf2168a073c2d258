//! The settings of this service, as flags, environment and file give them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, RangedU64ValueParser};
use clap::{Args, Parser};
use shared::cache::CACHE_MIB;
use shared::db::DatabaseUrl;
use shared::process::STOP_NOTICE_MAX;
use shared::publisher::NatsConfig;
use shared::settings::Switch;
use shared::span::{DAY, span};
use shared::telemetry::LogFormat;

use crate::domain;

/// Who follows, befriends and blocks whom.
///
/// Flags beat environment variables (the names in brackets), which beat the file of --config, which
/// beats the defaults.
#[derive(Debug, Clone, Parser)]
#[expect(clippy::doc_markdown, reason = "the comments are the text of --help")]
#[command(name = "relation-service", version)]
pub struct Config {
    /// Where to listen.
    #[arg(long, env, default_value = "127.0.0.1:8082")]
    pub listen: SocketAddr,
    /// Where the operator's pages listen: keep it off public addresses.
    #[arg(long, env, default_value = "127.0.0.1:8084")]
    pub admin_listen: SocketAddr,
    /// The database: sqlite://PATH, postgres://USER:PASSWORD@HOST/NAME, or file://PATH of a file that
    /// holds one of these.
    #[arg(long, env, default_value = "sqlite://data/relation.db")]
    pub database_url: DatabaseUrl,
    /// Where user-service is, without a final slash.
    #[arg(long, env, default_value = "http://127.0.0.1:8081")]
    pub user_service_url: String,
    /// The file with the secret that both services share; made if it is not there.
    #[arg(long, env, default_value = "data/service-secret")]
    pub service_secret_file: PathBuf,
    /// Threads that answer requests; 0 takes one for each core.
    #[arg(long, env, default_value_t = 0)]
    pub workers: usize,
    /// Connections for reading.
    #[arg(long, env, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub read_connections: u32,
    /// How many days events are kept; 0 keeps them for ever. What a known reader of the feed has not read is kept four
    /// times as long.
    #[arg(long, env, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=36_500))]
    pub event_retention_days: u32,
    /// Where events are published to besides the feed.
    #[command(flatten)]
    pub nats: NatsConfig,
    /// Memory for what is asked again, in MiB; 0 remembers nothing.
    #[arg(long, env, default_value_t = CACHE_MIB, value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    pub cache_mb: u32,
    /// No other process writes to the database: so nothing has to be followed, and no read asks whether memory is current.
    /// Of an embedded database that holds in any case.
    #[arg(long, env, value_parser = BoolishValueParser::new())]
    pub only_writer: bool,
    /// The hosts that an account in an imported file may name, as in ada@example.com; separated by commas.
    #[arg(long, env, default_value = "localhost")]
    pub account_hosts: domain::AccountHosts,
    /// `off` lifts the limit of imports in a day; for tests and benchmarks. The limits of the rules stand.
    #[arg(long, env, value_enum, default_value_t)]
    pub rate_limits: Switch,
    /// The limits of the rules.
    #[command(flatten)]
    pub limits: Limits,
    /// How long things may take.
    #[command(flatten)]
    pub waits: Waits,
    /// How a line of the log looks. RUST_LOG sets what is logged.
    #[arg(long, env, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// How long to go on answering after SIGTERM while /readyz says 503: for a balancer, which has to notice first.
    #[arg(long, env, default_value = "0s", value_parser = span(Duration::ZERO, STOP_NOTICE_MAX))]
    pub stop_notice: Duration,
    /// `off` leaves the schema to --migrate-only, and refuses to start where something is pending.
    #[arg(long, env, value_enum, default_value_t)]
    pub migrate_at_start: Switch,
    /// Read settings from this TOML file.
    #[arg(long, env = shared::settings::CONFIG_VARIABLE, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Show the settings in force, without secrets, and stop.
    #[arg(long)]
    pub print_config: bool,
    /// Bring the database to the schema of this version, and stop.
    #[arg(long)]
    pub migrate_only: bool,
    /// Ask the service that listens at --listen whether it is ready, and exit with 0 if it is.
    #[arg(long)]
    pub healthcheck: bool,
}

/// How much one person may hold, and do in a day.
#[derive(Debug, Clone, Copy, Args)]
// A name of its own, so that one program can take the limits of both services.
#[group(id = "relation_limits")]
pub struct Limits {
    /// People whom one person may follow.
    #[arg(long, env, default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub following_max: i64,
    /// Requests that one person may have waiting.
    #[arg(long, env, default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub requests_sent_max: i64,
    /// People whom one person may block.
    #[arg(long, env, default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub blocks_max: i64,
    /// People whom one person may mute.
    #[arg(long, env, default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub mutes_max: i64,
    /// Close friends of one person.
    #[arg(long, env, default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub close_friends_max: i64,
    /// People about whom one person may keep a note.
    #[arg(long, env, default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    pub notes_max: i64,
    /// Characters of a note.
    #[arg(long, env, default_value_t = 2_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub note_chars_max: usize,
    /// People whose suggestion one person may have dismissed; one more, and the oldest may be suggested again.
    #[arg(long, env, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub dismissals_max: i64,
    /// For how long somebody dismissed is not suggested again.
    #[arg(long, env, default_value = "180d", value_parser = span(Duration::from_secs(1), 36_500 * DAY))]
    pub dismissal_span: Duration,
    /// Follows and requests that one person may begin within 24 hours; 0 is as many as they like.
    #[arg(long = "follows-per-24h", env = "FOLLOWS_PER_24H", default_value_t = 0,
        value_parser = RangedU64ValueParser::<usize>::new().range(0..=10_000))]
    pub follows_per_24h: usize,
    /// Files that one person may bring within 24 hours; 0 is as many as they like.
    #[arg(long = "imports-per-24h", env = "IMPORTS_PER_24H", default_value_t = domain::IMPORTS_KEPT_MAX,
        value_parser = RangedU64ValueParser::<usize>::new().range(0..=20))]
    pub imports_per_24h: usize,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, Args)]
pub struct Waits {
    /// How long a reader that asks for a revision (Mutual-At-Least) waits for it.
    #[arg(long, env, default_value = "1s", value_parser = span(Duration::ZERO, Duration::from_secs(30)))]
    pub catch_up_wait: Duration,
    /// A feed of user-service that was not heard of for longer makes this service not ready; more than the 10 seconds
    /// for which it is silent when nothing happens.
    #[arg(long, env, default_value = "20s", value_parser = span(Duration::from_secs(11), DAY))]
    pub feed_lag_max: Duration,
}

impl Limits {
    /// These, without those of a rate where that is switched off.
    pub fn in_force(self, rate_limits: Switch) -> domain::Limits {
        let limits = domain::Limits::from(self);
        match rate_limits {
            Switch::On => limits,
            Switch::Off => domain::Limits { imports_per_24h: 0, ..limits },
        }
    }
}

impl From<Limits> for domain::Limits {
    fn from(limits: Limits) -> Self {
        Self {
            following_max: limits.following_max,
            requests_sent_max: limits.requests_sent_max,
            blocks_max: limits.blocks_max,
            mutes_max: limits.mutes_max,
            close_friends_max: limits.close_friends_max,
            notes_max: limits.notes_max,
            note_chars_max: limits.note_chars_max,
            dismissals_max: limits.dismissals_max,
            dismissal_span: limits.dismissal_span,
            follows_per_24h: limits.follows_per_24h,
            imports_per_24h: limits.imports_per_24h,
        }
    }
}
