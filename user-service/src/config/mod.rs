//! The settings of this service, as flags, environment and file give them.

mod limits;
pub mod mail;
mod passwords;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use clap::builder::BoolishValueParser;
use shared::cache::CACHE_MIB;
use shared::db::DatabaseUrl;
use shared::http::TrustedProxies;
use shared::process::STOP_NOTICE_MAX;
use shared::publisher::NatsConfig;
use shared::span::span;
use shared::telemetry::LogFormat;
use url::Url;

pub use limits::Limits;
pub use passwords::{PasswordCost, Passwords, hash_threads};
pub use shared::settings::Switch;

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
    /// Where the operator's pages listen: keep it off public addresses.
    #[arg(long, env, default_value = "127.0.0.1:8083")]
    pub admin_listen: SocketAddr,
    /// The database: sqlite://PATH, postgres://USER:PASSWORD@HOST/NAME, or file://PATH of a file that
    /// holds one of these.
    #[arg(long, env, default_value = "sqlite://data/user.db")]
    pub database_url: DatabaseUrl,
    /// The file with the key that signs access tokens; made if it is not there. Keys in FILE.previous and FILE.next are
    /// published beside it, for the time of a change.
    #[arg(long, env, default_value = "data/signing-key")]
    pub signing_key_file: PathBuf,
    /// The file with the key that refresh tokens are made with; made if it is not there.
    #[arg(long, env, default_value = "data/refresh-key")]
    pub refresh_key_file: PathBuf,
    /// The file with the secret that both services share; made if it is not there.
    #[arg(long, env, default_value = "data/service-secret")]
    pub service_secret_file: PathBuf,
    /// Where relation-service is: http://HOST:PORT. It is asked who blocks whom, so that no search of somebody who is
    /// signed in shows a block; where it does not answer, such a search is refused. Without this it is not asked.
    #[arg(long, env, value_parser = service_url)]
    pub relation_service_url: Option<String>,
    /// Tells apart the ids of instances on one database, 0 to 1022: each has a number of its own. Left out, one that is
    /// free is taken.
    #[arg(long, env, value_parser = clap::value_parser!(u16).range(0..=1_022))]
    pub node: Option<u16>,
    /// Threads that answer requests; 0 takes one for each core.
    #[arg(long, env, default_value_t = 0)]
    pub workers: usize,
    /// Connections for reading.
    #[arg(long, env, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub read_connections: u32,
    /// Memory for what is asked again, in MiB; 0 remembers nothing.
    #[arg(long, env, default_value_t = CACHE_MIB, value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    pub cache_mb: u32,
    /// No other process writes to the database: so nothing has to be followed, and no read asks whether memory is current.
    /// Of an embedded database that holds in any case.
    #[arg(long, env, value_parser = BoolishValueParser::new())]
    pub only_writer: bool,
    /// How passwords are hashed.
    #[command(flatten)]
    pub passwords: Passwords,
    /// What authenticator apps show beside the username: the name of the app or site. No colon.
    #[arg(long, env, default_value = TWO_FACTOR_ISSUER, value_parser = two_factor_issuer)]
    pub two_factor_issuer: String,
    /// Whether to limit how often one network may register and log in, and how often a password may be wrong; off is for
    /// tests and benchmarks.
    #[arg(long, env, value_enum, default_value_t)]
    pub rate_limits: Switch,
    /// How many days events are kept; 0 keeps them for ever. What a known reader of the feed has not read is kept four
    /// times as long.
    #[arg(long, env, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=36_500))]
    pub event_retention_days: u32,
    /// Where events are published to besides the feed.
    #[command(flatten)]
    pub nats: NatsConfig,
    /// How mails are sent.
    #[command(flatten)]
    pub mail: mail::MailConfig,
    /// Where mails are written if there is no mail server.
    #[arg(long, env, default_value = "data/outbox-mail")]
    pub mail_dir: PathBuf,
    /// The proxies whose word about their clients (Forwarded, X-Forwarded-For) is taken: networks and addresses,
    /// separated by commas. Nobody's, unless set.
    #[arg(long, env, default_value = "")]
    pub trusted_proxies: TrustedProxies,
    /// The limits.
    #[command(flatten)]
    pub limits: Limits,
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

/// Reads where another service is; without the slash at the end.
fn service_url(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).ok().filter(|url| {
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        url.scheme() == "http" && url.host().is_some() && plain
    });
    url.map(|url| url.as_str().trim_end_matches('/').to_owned()).ok_or("a service is at http://HOST:PORT")
}

/// What authenticator apps show beside the username, unless set.
pub const TWO_FACTOR_ISSUER: &str = "Mutual";
/// Longest name beside the username: it has to fit on a phone, and into a picture.
const TWO_FACTOR_ISSUER_CHARS_MAX: usize = 64;

/// Reads the name that authenticator apps show.
pub fn two_factor_issuer(text: &str) -> Result<String, String> {
    let fits = (1..=TWO_FACTOR_ISSUER_CHARS_MAX).contains(&text.chars().count());
    if fits && !text.contains(':') && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(format!("1 to {TWO_FACTOR_ISSUER_CHARS_MAX} characters, without a colon"))
}
