//! The real program, in a process of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running user-service on an embedded database. It ends when dropped.
pub struct Server {
    pub address: SocketAddr,
    pub base: String,
    process: Child,
    _dir: TempDir,
}

impl Server {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = |name: &str| dir.path().join(name).display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_user-service"));
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--rate-limits", "off"]);
        command.args(["--database-url", &format!("sqlite://{}", file("user.db"))]);
        command.args([
            "--signing-key-file",
            &file("signing-key"),
            "--refresh-key-file",
            &file("refresh-key"),
        ]);
        command.args(["--service-secret-file", &file("service-secret"), "--mail-dir", &file("outbox-mail")]);
        // Further settings to compare, such as `--hash-threads 2`.
        command.args(std::env::var("MUTUAL_FLOOD_FLAGS").unwrap_or_default().split_whitespace());
        let mut process =
            command.env("RUST_LOG", "info").stderr(Stdio::piped()).spawn().expect("the program");
        let mut lines = BufReader::new(process.stderr.take().expect("its log")).lines();
        let address = lines
            .find_map(|line| line.ok()?.split_once("listens on http://")?.1.trim().parse().ok())
            .expect("the address in the log");
        // The log goes on; nobody may block on it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { address, base: format!("http://{address}"), process, _dir: dir }
    }

    /// Memory that the process has in the machine's.
    pub fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; the assertions have said so.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
