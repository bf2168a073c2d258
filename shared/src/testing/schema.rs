//! What every program promises about the schema of its database.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::TestDatabase;
use crate::db::DatabaseUrl;

/// Runs the program at `path` on a new database: it makes the schema only when it is told to, once, and stops.
pub fn schema_is_made_when_asked(path: &str, database: &TestDatabase) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let run = |flags: &[&str]| {
        let done = program(path, database, dir.path()).args(flags).output().expect("it starts");
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let (code, said) = run(&["--migrate-at-start", "off"]);
    assert!(code == Some(1) && said.contains("--migrate-only first"), "{code:?}: {said}");
    let (code, said) = run(&["--migrate-only"]);
    assert!(code == Some(0) && !said.contains(": 0 migrations"), "{code:?}: {said}");
    let (code, said) = run(&["--migrate-only"]);
    assert!(code == Some(0) && said.contains(": 0 migrations"), "{code:?}: {said}");

    let mut served = program(path, database, dir.path());
    let mut served = served.args(["--migrate-at-start", "off"]).spawn().expect("it starts");
    let mut log = BufReader::new(served.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("listens on http://")), "it ended instead");
    served.kill().expect("it runs");
    served.wait().expect("it ends");
}

/// The program with its files in `dir`.
fn program(path: &str, database: &TestDatabase, dir: &Path) -> Command {
    let url = match &database.url {
        DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
        DatabaseUrl::Postgres(url) => url.clone(),
    };
    let mut command = Command::new(path);
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--database-url", &url]);
    command.current_dir(dir).env("RUST_LOG", "info").stderr(Stdio::piped());
    command
}
