//! The real program, in a process of its own: what it logs, and what a crash leaves.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::db::DatabaseUrl;
use shared::testing::{Client, TestDatabase};
use tempfile::TempDir;

/// A slow machine starts a program within this.
const START_WAIT: Duration = Duration::from_secs(60);

/// What outlives a process: its database, secrets and mails.
pub struct Ground {
    pub database: TestDatabase,
    pub dir: TempDir,
}

/// A running user-service. It is killed when dropped.
pub struct Program {
    pub client: Client,
    log: Arc<Mutex<String>>,
    process: Child,
}

impl Ground {
    pub fn new(database: TestDatabase) -> Self {
        Self { database, dir: tempfile::tempdir().unwrap() }
    }

    pub fn mails(&self) -> std::path::PathBuf {
        self.dir.path().join("outbox-mail")
    }

    pub fn start(&self, flags: &[&str]) -> Program {
        let file = |name: &str| self.dir.path().join(name).display().to_string();
        let url = match &self.database.url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_user-service"));
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
            "--password-cost",
            "low",
            "--database-url",
            &url,
        ]);
        for name in ["signing-key", "refresh-key", "service-secret"] {
            command.args([&format!("--{name}-file"), &file(name)]);
        }
        command.args(["--mail-dir", &file("outbox-mail")]).args(flags);
        command.env("RUST_LOG", "trace,mio=info,polling=info").stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (log, address) = follow(BufReader::new(process.stderr.take().unwrap()));
        let address = address.recv_timeout(START_WAIT).expect("it listens");
        Program { client: Client::new(format!("http://{address}")), log, process }
    }
}

/// Keeps what the program logs, and tells where it listens.
fn follow(lines: impl BufRead + Send + 'static) -> (Arc<Mutex<String>>, Receiver<String>) {
    let log = Arc::new(Mutex::new(String::new()));
    let (tell, told) = channel();
    let kept = log.clone();
    std::thread::spawn(move || {
        for line in lines.lines().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once("listens on http://") {
                // Nobody waits for a second one.
                let _ = tell.send(address.trim().to_owned());
            }
            let mut kept = kept.lock().unwrap();
            kept.push_str(&line);
            kept.push('\n');
        }
    });
    (log, told)
}

impl Program {
    /// The operator's listener.
    pub fn admin(&self) -> Client {
        let log = self.log();
        let told = log.split_once("metrics are at ").and_then(|(_, rest)| rest.split_once("/metrics"));
        Client::new(told.expect("it says where").0)
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// SIGTERM.
    pub fn ask_to_stop(&self) {
        let sent = Command::new("kill").args(["-s", "TERM", &self.process.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Whether it has ended by itself, and well.
    pub fn has_ended_well(&mut self) -> Option<bool> {
        self.process.try_wait().unwrap().map(|status| status.success())
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    pub fn crash(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// All that is in the files of a directory.
pub fn contents(dir: &Path) -> String {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}
