//! A throw-away Postgres cluster for one test process, where the server's binaries are installed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

/// Set to `required`, it makes a test fail that would otherwise be skipped for want of Postgres.
pub const VARIABLE: &str = "MUTUAL_TEST_POSTGRES";
const START_WAIT: Duration = Duration::from_secs(60);
const SCRIPT: &str = include_str!("postgres.sh");

/// The running cluster. Its process ends when this one closes the pipe to it.
struct Cluster {
    socket_dir: PathBuf,
    _shell: Child,
}

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of a new, empty database; `None`, after saying why, where no Postgres is installed.
pub fn new_database() -> Option<String> {
    let cluster = CLUSTER.get_or_init(start).as_ref()?;
    let name = format!("t{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut admin = connect(&cluster.socket_dir, "postgres").expect("the cluster was up a moment ago");
    admin.batch_execute(&format!("CREATE DATABASE {name}")).expect("a new database");
    Some(url(&cluster.socket_dir, &name))
}

fn url(socket_dir: &Path, database: &str) -> String {
    let host = socket_dir.to_string_lossy().replace('/', "%2F");
    format!("postgres://postgres@{host}/{database}")
}

fn connect(socket_dir: &Path, database: &str) -> diesel::ConnectionResult<PgConnection> {
    PgConnection::establish(&url(socket_dir, database))
}

fn start() -> Option<Cluster> {
    let binaries = binaries()?;
    let socket_dir = tempfile::Builder::new().prefix("mutual-pg").tempdir().expect("a directory").keep();
    let mut shell = run(&socket_dir, &binaries, &[]);
    wait_until_up(&url(&socket_dir, "postgres"), &socket_dir, &mut shell)
        .unwrap_or_else(|error| panic!("Postgres did not start: {error}"));
    Some(Cluster { socket_dir, _shell: shell })
}

/// Where the server's binaries are; `None`, after saying why, where none are installed.
pub(super) fn binaries() -> Option<PathBuf> {
    let found = find_binaries();
    if found.is_none() {
        let why = "no Postgres server is installed (initdb was not found)";
        assert!(
            std::env::var_os(VARIABLE).is_none_or(|value| value != "required"),
            "{VARIABLE}=required, but {why}"
        );
        // Not a macro: those are captured and shown for failures only.
        let _ = writeln!(io::stderr(), "SKIPPED on Postgres: {why}");
    }
    found
}

/// Starts a server that has everything in `dir`; it ends when the pipe to it is closed.
pub(super) fn run(dir: &Path, binaries: &Path, told: &[&str]) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "postgres.sh"]).args([dir, binaries]).args(told);
    command.stdin(Stdio::piped()).spawn().expect("sh is there")
}

pub(super) fn wait_until_up(url: &str, dir: &Path, shell: &mut Child) -> io::Result<()> {
    let started = Instant::now();
    while started.elapsed() < START_WAIT {
        if PgConnection::establish(url).is_ok() {
            return Ok(());
        }
        if let Some(status) = shell.try_wait()? {
            let log = std::fs::read_to_string(dir.join("initdb.log")).unwrap_or_default();
            return Err(io::Error::other(format!("{status}: {log}")));
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    Err(io::Error::other("it took too long"))
}

/// On the path, or where Debian puts them: the newest version.
fn find_binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH");
    let on_path = on_path.iter().flat_map(std::env::split_paths).collect::<Vec<_>>();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    let places = versions.into_iter().rev().chain(on_path);
    places.into_iter().find(|place| place.join("initdb").is_file() && place.join("postgres").is_file())
}
