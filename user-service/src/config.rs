//! The settings of this service, as flags, environment and file give them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, ValueEnum};
use shared::db::DatabaseUrl;
use shared::telemetry::LogFormat;

use crate::domain::limits::{PASSWORD_CHARS_MIN_DEFAULT, PROOF_LIFE};

/// People: registration, sessions, profiles and privacy.
///
/// Flags beat environment variables (the names in brackets), which beat the file of --config, which
/// beats the defaults.
#[derive(Debug, Clone, Parser)]
#[command(name = "user-service", version)]
#[expect(clippy::doc_markdown, reason = "the comments are the text of --help")]
pub struct Config {
    /// Where to listen.
    #[arg(long, env, default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// The database: sqlite://PATH, postgres://USER:PASSWORD@HOST/NAME, or file://PATH of a file that
    /// holds one of these.
    #[arg(long, env, default_value = "sqlite://data/user.db")]
    pub database_url: DatabaseUrl,
    /// The file with the key that signs access tokens; made if it is not there.
    #[arg(long, env, default_value = "data/signing-key")]
    pub signing_key_file: PathBuf,
    /// The file with the key that refresh tokens are made with; made if it is not there.
    #[arg(long, env, default_value = "data/refresh-key")]
    pub refresh_key_file: PathBuf,
    /// The file with the secret that both services share; made if it is not there.
    #[arg(long, env, default_value = "data/service-secret")]
    pub service_secret_file: PathBuf,
    /// Tells apart several instances of this service on one database: a number of its own for each.
    #[arg(long, env, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1_023))]
    pub node: u16,
    /// Threads that answer requests; 0 takes one for each core.
    #[arg(long, env, default_value_t = 0)]
    pub workers: usize,
    /// Connections for reading.
    #[arg(long, env, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub read_connections: u32,
    /// How much one hash of a password costs; low is for tests alone.
    #[arg(long, env, value_enum, default_value_t)]
    pub password_cost: PasswordCost,
    /// Passwords that are hashed at once; 0 takes one for each core.
    #[arg(long, env, default_value_t = 0, value_parser = RangedU64ValueParser::<usize>::new().range(0..=256))]
    pub hash_threads: usize,
    /// Whether to limit how often one network may register and log in; off is for tests and benchmarks.
    #[arg(long, env, value_enum, default_value_t)]
    pub rate_limits: Switch,
    /// The limits.
    #[command(flatten)]
    pub limits: Limits,
    /// How a line of the log looks. RUST_LOG sets what is logged.
    #[arg(long, env, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Read settings from this TOML file.
    #[arg(long, env = shared::settings::CONFIG_VARIABLE, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Show the settings in force, without secrets, and stop.
    #[arg(long)]
    pub print_config: bool,
    /// Ask the service that listens at --listen whether it is ready, and exit with 0 if it is.
    #[arg(long)]
    pub healthcheck: bool,
}

/// How much of what one person or network may have.
#[derive(Debug, Clone, Copy, Args)]
// A name of its own, so that one program can take the limits of both services.
#[group(id = "user_limits")]
pub struct Limits {
    /// Shortest password, in characters.
    #[arg(long, env, default_value_t = PASSWORD_CHARS_MIN_DEFAULT,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=128))]
    pub password_chars_min: usize,
    /// Sessions of one person; one more ends the oldest.
    #[arg(long, env, default_value_t = 20, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000))]
    pub sessions_max: usize,
    /// Seconds after a login, or after the password was asked for again, in which a session may change how its
    /// person signs in.
    #[arg(long, env, default_value_t = PROOF_LIFE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub step_up_secs: u64,
    /// Registrations from one network within an hour.
    #[arg(long, env, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub registrations_per_hour: u32,
    /// Logins from one network within 15 minutes.
    #[arg(long = "logins-per-15-min", env = "LOGINS_PER_15_MIN", default_value_t = 600,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub logins_per_15_min: u32,
}

/// How much one hash of a password costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PasswordCost {
    /// OWASP's choice: 19 MiB, two passes.
    #[default]
    Standard,
    /// As little as argon2 allows.
    Low,
}

/// Something that can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Switch {
    /// In force.
    #[default]
    On,
    /// Not in force.
    Off,
}
