//! The command line: `serve`, and the operator's commands.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand};
use shared::cache::CACHE_MIB;
use shared::db::DatabaseUrl;
use shared::http::TrustedProxies;
use shared::publisher::NatsConfig;
use shared::settings::Switch;
use shared::telemetry::LogFormat;
use user_service::config::Passwords;
use user_service::domain::account::Role;
use user_service::domain::limits::PASSWORD_CHARS_MIN_DEFAULT;

/// Users and relations for social apps: both services in one process, and the operator's commands.
///
/// Without a command it serves: user-service on 127.0.0.1:8081 and relation-service on 127.0.0.1:8082,
/// on embedded databases in ./data, with secrets made on first use.
#[derive(Debug, Parser)]
#[command(
    name = "mutual",
    version,
    override_usage = "mutual [COMMAND] [OPTIONS]",
    after_help = "Without a command, the options are those of serve. Try: mutual serve --seed-demo"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run both services in this process (what happens without a command, too).
    Serve(Box<Serve>),
    /// Load a follow graph from a text file with one edge `a b` a line: a follows b.
    ///
    /// Each number becomes a person called PREFIX followed by the number. Loading again changes
    /// nothing, and a load that was interrupted goes on where it stopped. The services must not run on
    /// the same embedded databases.
    ImportGraph(ImportGraph),
    /// Recount everything and compare: one line a rule, exit code 1 if anything has drifted.
    ///
    /// Reads in small steps, each at one moment of the database, so it may run beside the services. Exit codes: 0
    /// everything holds, or was repaired; 1 something has drifted; 2 could not be checked.
    #[command(after_help = "Example: mutual audit --repair (one line more for each row that is made anew)")]
    Audit(Audit),
    /// Fill empty databases with a small believable world: some hundred people, some of them private,
    /// some celebrities, with follows, friends, requests and blocks.
    Seed(Seed),
    /// Move both databases from the data directory to Postgres, or back: everything that is in them.
    ///
    /// Stop the services first. The targets are two empty databases; tables are made. Every table is copied in pages of
    /// 4,096 rows, read back and compared row by row, and the result is audited. Until then the targets are marked as half
    /// filled and no service starts on them; a move that was stopped, however, begins afresh when it is run again. The
    /// sources are only read and stay as they are. Secrets stay in the data directory: keep it, the services need it.
    ///
    /// Exit codes: 0 moved; 1 refused or failed, and the sources are as before; 2 a value is refused.
    #[command(after_help = "Example:
  mutual migrate-store --data-dir data \\
    --user-database-url postgres://mutual:secret@127.0.0.1/mutual_users \\
    --relation-database-url postgres://mutual:secret@127.0.0.1/mutual_relations
and from then on, with the same three options:
  mutual serve --data-dir data --user-database-url ... --relation-database-url ...
A URL may be file://PATH of a file that holds it, which keeps the password out of the list of processes.")]
    MigrateStore(MigrateStore),
    /// Manage accounts and tokens.
    #[command(subcommand)]
    Admin(Admin),
}

/// What to move.
#[derive(Debug, Args)]
pub struct MigrateStore {
    /// From Postgres to embedded databases in a data directory that has none yet.
    #[arg(long)]
    pub back: bool,
    /// Move what the audit finds drifted as it is.
    #[arg(long)]
    pub with_drift: bool,
    /// Which databases.
    #[command(flatten)]
    pub databases: Databases,
}

/// Manage accounts and tokens.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make an account, an admin's if --role does not say otherwise: the first one of a new installation.
    ///
    /// The password is the first line of standard input, and obeys the rules of registration; words that are reserved
    /// for the service may be the name. Works beside running services, and before their first start: a data directory that
    /// is empty or not there is made ready. Exit codes: 0 done, 1 the name or the address is taken or the database is
    /// away, 2 a value is refused.
    #[command(after_help = "Example: printf '%s' 'plum Tractor 91 sky' | \\
  mutual admin create --username zoe --email zoe@example.com --password-stdin")]
    Create(CreateAccount),
    /// Give somebody a role: user, moderator or admin.
    ///
    /// It counts from that person's next request on. The last active admin keeps the role. Works beside running
    /// services. Exit codes: 0 done, 1 refused or the database is away, 2 nobody is called so.
    #[command(after_help = "Example: mutual admin role --username zoe --role moderator")]
    Role(GiveRole),
    /// Tokens with which other backend services call these.
    #[command(subcommand)]
    ServiceToken(ServiceToken),
    /// Measure how long hashing a password takes on this machine, and print the settings to use.
    ///
    /// The more a hash costs, the longer guessing takes whoever has stolen the database, and the fewer logins a second
    /// there can be. Run it on the machine of the service, when that is not busy.
    CalibratePasswords(Calibrate),
}

/// What a hash of a password may cost.
#[derive(Debug, Args)]
pub struct Calibrate {
    /// How long one hash may take, in milliseconds.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    target_ms: u64,
    /// How much memory one hash is to take, in MiB; as much as fits into two passes if left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(7..=4_096))]
    pub memory_mib: Option<u32>,
    /// Passwords that are to be hashed at once; 0 takes one for each core but one.
    #[arg(long, env, default_value_t = 0)]
    pub hash_threads: usize,
}

impl Calibrate {
    /// How long one hash may take.
    pub const fn target(&self) -> Duration {
        Duration::from_millis(self.target_ms)
    }
}

/// Whom to make.
#[derive(Debug, Args)]
pub struct CreateAccount {
    /// The username: 2 to 24 of a-z, 0-9, _ and . (no dot at either end, no two in a row).
    #[arg(long)]
    pub username: String,
    /// The e-mail address, which counts as verified.
    #[arg(long)]
    pub email: String,
    /// Read the password from standard input. There is no other way: arguments are seen by others on the machine.
    #[arg(long, required = true)]
    pub password_stdin: bool,
    /// user, moderator or admin.
    #[arg(long, default_value = "admin", value_parser = role)]
    pub role: Role,
    /// Shortest password, in characters: as the service is set.
    #[arg(long, env, default_value_t = PASSWORD_CHARS_MIN_DEFAULT)]
    pub password_chars_min: usize,
    /// How passwords are hashed: as the service is set.
    #[command(flatten)]
    pub passwords: Passwords,
    /// Which databases.
    #[command(flatten)]
    pub databases: Databases,
}

/// Who gets which role.
#[derive(Debug, Args)]
pub struct GiveRole {
    /// The username.
    #[arg(long)]
    pub username: String,
    /// user, moderator or admin.
    #[arg(long, value_parser = role)]
    pub role: Role,
    /// For the audit log.
    #[arg(long)]
    pub reason: Option<String>,
    /// Which databases.
    #[command(flatten)]
    pub databases: Databases,
}

fn role(word: &str) -> Result<Role, &'static str> {
    Role::parse(word).ok_or("a role is user, moderator or admin")
}

/// Tokens with which other backend services call these.
#[derive(Debug, Subcommand)]
pub enum ServiceToken {
    /// Make a token for a client and print it, once; an earlier one of the same name ends.
    ///
    /// It is valid for both services at once, also while they run, and may be made before their first start, as an
    /// account may.
    Create {
        /// The client's name.
        #[arg(long)]
        name: String,
        /// What it may do: events opens the feeds, facts the facts about people, fanout the streams of followers,
        /// and visibility, relationships and audit the other routes of relation-service for services.
        #[arg(long, value_delimiter = ',', required = true)]
        scopes: Vec<String>,
        #[command(flatten)]
        databases: Databases,
    },
    /// End a client's token. Running services refuse it within seconds.
    Revoke {
        /// The client's name.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        databases: Databases,
    },
}

/// Where the demo world goes.
#[derive(Debug, Args)]
pub struct Seed {
    /// Leave databases alone that are not empty, instead of failing: for a job that runs at every start.
    #[arg(long)]
    pub if_empty: bool,
    /// Which databases.
    #[command(flatten)]
    pub databases: Databases,
}

/// What to do about drift.
#[derive(Debug, Args)]
pub struct Audit {
    /// Make rows of relation-service anew that are derived from others and wrong, and say which.
    ///
    /// On an embedded database the services must not run: a running one repairs itself when asked to, with
    /// `POST /v1/admin/audit` and `{"repair": true}`. On a server it may run beside them.
    #[arg(long)]
    pub repair: bool,
    /// Which databases.
    #[command(flatten)]
    pub databases: Databases,
}

/// Which databases an operator's command works on.
#[derive(Debug, Clone, Args)]
pub struct Databases {
    /// Where the embedded databases are.
    #[arg(long, env, default_value = "data")]
    pub data_dir: PathBuf,
    /// The user database, if it is not the embedded one.
    #[arg(long, env)]
    pub user_database_url: Option<DatabaseUrl>,
    /// The relation database, if it is not the embedded one.
    #[arg(long, env)]
    pub relation_database_url: Option<DatabaseUrl>,
}

impl Databases {
    /// Where users are kept.
    pub fn user_url(&self) -> DatabaseUrl {
        self.user_database_url.clone().unwrap_or_else(|| DatabaseUrl::sqlite(self.data_dir.join("user.db")))
    }

    /// Where relations are kept.
    pub fn relation_url(&self) -> DatabaseUrl {
        let embedded = || DatabaseUrl::sqlite(self.data_dir.join("relation.db"));
        self.relation_database_url.clone().unwrap_or_else(embedded)
    }
}

/// What to load.
#[derive(Debug, Args)]
pub struct ImportGraph {
    /// The file, plain or gzipped. Lines that begin with # are comments.
    pub file: PathBuf,
    /// Each line is a friendship: both follow each other.
    #[arg(long)]
    pub undirected: bool,
    /// What the people's names begin with.
    #[arg(long, default_value = "n")]
    pub prefix: String,
    /// Which databases.
    #[command(flatten)]
    pub databases: Databases,
}

/// How to serve. Flags beat environment variables (the names in brackets), which beat the file of
/// --config, which beats the defaults.
#[derive(Debug, Clone, Args)]
#[expect(clippy::doc_markdown, reason = "the comments are the text of --help")]
pub struct Serve {
    /// Where the databases and the secrets are.
    #[command(flatten)]
    pub databases: Databases,
    /// Where user-service listens.
    #[arg(long, env, default_value = "127.0.0.1:8081")]
    pub user_listen: SocketAddr,
    /// Where relation-service listens.
    #[arg(long, env, default_value = "127.0.0.1:8082")]
    pub relation_listen: SocketAddr,
    /// Where the operator's pages listen: keep it off public addresses.
    #[arg(long, env, default_value = "127.0.0.1:8083")]
    pub admin_listen: SocketAddr,
    /// Fill empty databases with a small believable world first.
    #[arg(long, env, value_parser = BoolishValueParser::new())]
    pub seed_demo: bool,
    /// What authenticator apps show beside the username: the name of the app or site. No colon.
    #[arg(long, env, default_value = user_service::config::TWO_FACTOR_ISSUER,
        value_parser = user_service::config::two_factor_issuer)]
    pub two_factor_issuer: String,
    /// `off` lifts the limits of requests per network, of wrong passwords and of imports in a day: for tests and
    /// benchmarks.
    #[arg(long, env, value_enum, default_value_t)]
    pub rate_limits: Switch,
    /// The proxies whose word about their clients (Forwarded, X-Forwarded-For) is taken: networks and addresses,
    /// separated by commas. Nobody's, unless set.
    #[arg(long, env, default_value = "")]
    pub trusted_proxies: TrustedProxies,
    /// How passwords are hashed.
    #[command(flatten)]
    pub passwords: Passwords,
    /// Threads of each service that answer requests; 0 takes one for each core.
    #[arg(long, env, default_value_t = 0)]
    pub workers: usize,
    /// Connections of each service for reading.
    #[arg(long, env, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub read_connections: u32,
    /// Memory of each service for what is asked again, in MiB; 0 remembers nothing.
    #[arg(long, env, default_value_t = CACHE_MIB,
        value_parser = clap::value_parser!(u32).range(0..=1_048_576))]
    pub cache_mb: u32,
    /// No other process writes to the databases: so nothing has to be followed, and no read asks whether memory is
    /// current. Of embedded ones that holds in any case.
    #[arg(long, env, value_parser = BoolishValueParser::new())]
    pub only_writer: bool,
    /// How many days both services keep events; 0 keeps them for ever. What a known reader of a feed has not read is kept
    /// four times as long.
    #[arg(long, env, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=36_500))]
    pub event_retention_days: u32,
    /// Where events are published to besides the feed.
    #[command(flatten)]
    pub nats: NatsConfig,
    /// How mails are sent. Without a mail server they are written into outbox-mail of the data directory.
    #[command(flatten)]
    pub mail: user_service::config::mail::MailConfig,
    /// The limits of user-service.
    #[command(flatten)]
    pub user_limits: user_service::config::Limits,
    /// The hosts that an account in an imported file may name, as in ada@example.com; separated by commas.
    #[arg(long, env, default_value = "localhost")]
    pub account_hosts: relation_service::domain::AccountHosts,
    /// The limits of relation-service.
    #[command(flatten)]
    pub relation_limits: relation_service::config::Limits,
    /// How long things may take in relation-service.
    #[command(flatten)]
    pub relation_waits: relation_service::config::Waits,
    /// How a line of the log looks. RUST_LOG sets what is logged.
    #[arg(long, env, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Read settings from this TOML file.
    #[arg(long, env = shared::settings::CONFIG_VARIABLE, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Show the settings in force, without secrets, and stop.
    #[arg(long)]
    pub print_config: bool,
    /// Ask the services that listen at --user-listen and --relation-listen whether they are ready, and exit with 0 if they
    /// are.
    #[arg(long)]
    pub healthcheck: bool,
}
