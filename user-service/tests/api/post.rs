//! Mails as people get them: from the directory of mails, and from a mail server.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use actix_web::web;
use serde_json::Value;
use shared::clock::Micros;
use user_service::store;
use user_service::store::mail::Mail;

use crate::test_app::TestApp;

/// A slow machine answers within this; nobody waits longer than needed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub kind: String,
    pub to: String,
    pub text: String,
}

impl Letter {
    fn read(kind: &str, text: String) -> Self {
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        Self { kind: kind.to_owned(), to: header("To: ").trim().to_owned(), text: text.clone() }
    }

    /// The token that the mail brings.
    pub fn token(&self) -> String {
        let line = self.text.lines().find_map(|line| line.strip_prefix("token: "));
        line.expect("a token").trim().to_owned()
    }
}

/// Waits until `done` holds.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "{what} does not come true");
        sleep(Duration::from_millis(5)).await;
    }
}

impl TestApp {
    /// The mails that wait to be sent or were given up.
    pub fn outbox(&self) -> Vec<Mail> {
        let mut conn = self.conn();
        let due = store::mail::due(&mut conn, Micros::new(i64::MAX), &[], 1_000).expect("the outbox");
        // One that was sent meanwhile is gone.
        due.into_iter()
            .filter_map(|(user, id)| store::mail::mail(&mut conn, user, id).expect("a mail"))
            .collect()
    }

    /// All mails in files, oldest first, once nothing waits.
    pub async fn letters(&self) -> Vec<Letter> {
        let mut conn = self.conn();
        until("an empty outbox", || {
            let waiting = store::mail::is_due(&mut conn, Micros::new(i64::MAX), &[]).expect("the outbox");
            !waiting
        })
        .await;
        files(&self.settings.mail_dir)
    }

    /// The mails of one kind to one address, oldest first, once nothing waits.
    pub async fn letters_to(&self, kind: &str, to: &str) -> Vec<Letter> {
        let mut letters = self.letters().await;
        letters.retain(|letter| letter.kind == kind && letter.to == to);
        letters
    }

    /// The token of the newest mail of this kind to this address.
    pub async fn mailed_token(&self, kind: &str, to: &str) -> String {
        self.letters_to(kind, to).await.last().expect("a mail").token()
    }
}

fn files(dir: &Path) -> Vec<Letter> {
    let entries = std::fs::read_dir(dir).expect("the directory of mails").map(|entry| entry.unwrap().path());
    let mut found: Vec<(i64, Letter)> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let mut parts = name.splitn(3, '-').skip(1);
            let id = parts.next().unwrap().parse().unwrap();
            (id, Letter::read(parts.next().unwrap(), std::fs::read_to_string(path).unwrap()))
        })
        .collect();
    found.sort_by_key(|(id, _)| *id);
    found.into_iter().map(|(_, letter)| letter).collect()
}

/// A mail server. It stops when dropped.
pub struct SmtpServer {
    pub port: u16,
    process: Child,
    lines: Arc<Mutex<Lines<BufReader<ChildStdout>>>>,
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/smtp_server.py");

/// The Python that has aiosmtpd: Debian's own, or the one on the path.
fn python() -> Option<&'static str> {
    let has_aiosmtpd = |python: &&str| {
        let asked = Command::new(python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    ["/usr/bin/python3", "python3"].into_iter().find(has_aiosmtpd)
}

impl SmtpServer {
    /// Starts one on this port, or on a free one for 0. Nothing where there is no aiosmtpd, unless
    /// `MUTUAL_TEST_SMTP=required` says that there must be.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub async fn start(port: u16) -> Option<Self> {
        let Some(python) = python() else {
            let required = std::env::var("MUTUAL_TEST_SMTP").is_ok_and(|value| value == "required");
            assert!(!required, "there is no aiosmtpd (Debian: python3-aiosmtpd)");
            eprintln!(
                "SKIPPED: there is no aiosmtpd (Debian: python3-aiosmtpd), so no mail server to test with"
            );
            return None;
        };
        let started = Command::new(python)
            .args([SCRIPT, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = started.expect("a mail server");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut server = Self { port, process, lines: Arc::new(Mutex::new(lines)) };
        let line = server.line().await;
        server.port = line.strip_prefix("port ").expect("a port").parse().unwrap();
        Some(server)
    }

    async fn line(&self) -> String {
        let lines = self.lines.clone();
        let read = web::block(move || lines.lock().unwrap().next());
        let read = actix_web::rt::time::timeout(PATIENCE, read).await.expect("a line of the mail server");
        read.unwrap().expect("the mail server runs").unwrap()
    }

    /// The next mail that it takes: the envelope, and the mail.
    pub async fn next(&self) -> (Value, Letter) {
        let mail: Value = serde_json::from_str(&self.line().await).unwrap();
        let letter = Letter::read("", mail["data"].as_str().unwrap().to_owned());
        (mail, letter)
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
