//! A running `mutual serve` with databases of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::db::DatabaseUrl;
use shared::testing::{Client, postgres};
use tempfile::TempDir;

/// Well below the time that requests under way are given: an idle process stops at once.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// How long a mail may be under way.
const MAIL_WAIT: Duration = Duration::from_secs(30);
/// Everybody's.
pub const PASSWORD: &str = "a long and odd passphrase";

/// Where a world keeps its data: it outlives the processes that serve it.
pub struct Ground {
    dir: PathBuf,
    _holder: TempDir,
    urls: Option<[String; 2]>,
}

impl Ground {
    pub fn sqlite() -> Option<Self> {
        let holder = tempfile::tempdir().unwrap();
        Some(Self { dir: holder.path().to_owned(), _holder: holder, urls: None })
    }

    /// A data directory that nobody has made yet.
    pub fn not_there() -> Self {
        let holder = tempfile::tempdir().unwrap();
        Self { dir: holder.path().join("new/data"), _holder: holder, urls: None }
    }

    pub fn postgres() -> Option<Self> {
        let urls = [postgres::new_database()?, postgres::new_database()?];
        let holder = tempfile::tempdir().unwrap();
        Some(Self { dir: holder.path().to_owned(), _holder: holder, urls: Some(urls) })
    }

    /// The same directory with these databases on a server.
    pub fn with_urls(self, urls: [String; 2]) -> Self {
        Self { urls: Some(urls), ..self }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where people are kept.
    pub fn user_url(&self) -> DatabaseUrl {
        match &self.urls {
            Some([users, _]) => DatabaseUrl::Postgres(users.clone()),
            None => DatabaseUrl::sqlite(self.dir().join("user.db")),
        }
    }

    /// Where relations are kept.
    pub fn relation_url(&self) -> DatabaseUrl {
        match &self.urls {
            Some([_, relations]) => DatabaseUrl::Postgres(relations.clone()),
            None => DatabaseUrl::sqlite(self.dir().join("relation.db")),
        }
    }

    /// A command of the operator's on these databases.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mutual"));
        command.args(words).arg("--data-dir").arg(&self.dir).env("RUST_LOG", "warn");
        if let Some([users, relations]) = &self.urls {
            command.args(["--user-database-url", users, "--relation-database-url", relations]);
        }
        command
    }

    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs a command that reads this.
    pub fn run_with_input(&self, words: &[&str], input: &str) -> Output {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that stops before it has read everything closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// The token of a mail of this kind to this address, once it is there.
    pub async fn mailed_token(&self, kind: &str, to: &str) -> String {
        let started = Instant::now();
        loop {
            let mails = std::fs::read_dir(self.dir().join("outbox-mail")).into_iter().flatten();
            let of_kind = mails.map(|entry| entry.unwrap().path()).filter(|path| {
                path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(&format!("-{kind}.eml")))
            });
            let texts = of_kind.map(|path| std::fs::read_to_string(path).unwrap());
            let mail = texts.into_iter().find(|text| text.contains(&format!("To: {to}\r\n")));
            let token =
                mail.iter().flat_map(|mail| mail.lines()).find_map(|line| line.strip_prefix("token: "));
            if let Some(token) = token {
                return token.trim().to_owned();
            }
            assert!(started.elapsed() < MAIL_WAIT, "no mail to {to}");
            actix_web::rt::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Recounts everything, and panics if anything has drifted.
    pub fn audit(&self) {
        let output = self.run(&["audit"]);
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && lines.lines().count() > 10, "{lines}{output:?}");
    }

    pub fn serve(&self) -> World {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, flags: &[&str]) -> World {
        self.start(|command| command.args(flags))
    }

    /// The same at the usual level of the log, whose lines come as long as it runs.
    pub fn serve_and_listen(&self, flags: &[&str]) -> (World, Receiver<String>) {
        let mut world =
            self.start(|command| command.args(flags).env("RUST_LOG", "info").stderr(Stdio::piped()));
        let (tell, told) = mpsc::channel();
        let log = BufReader::new(world.child.stderr.take().unwrap());
        std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        (world, told)
    }

    fn start(&self, adapt: impl FnOnce(&mut Command) -> &mut Command) -> World {
        let mut command = self.command(&["serve", "--rate-limits", "off", "--password-cost", "low"]);
        for listen in ["--user-listen", "--relation-listen", "--admin-listen"] {
            command.args([listen, "127.0.0.1:0"]);
        }
        let mut child = adapt(&mut command).stdout(Stdio::piped()).spawn().unwrap();
        let mut greeting = BufReader::new(child.stdout.take().unwrap());
        let (mut users, mut relations, mut metrics) = (String::new(), String::new(), String::new());
        let mut line = String::new();
        while !line.starts_with("Stop with") {
            line.clear();
            assert!(greeting.read_line(&mut line).unwrap() > 0, "it ended: {:?}", child.wait());
            let url = || line.split_whitespace().nth(1).unwrap_or_default().to_owned();
            match line.split_whitespace().next() {
                Some("user-service") => users = url(),
                Some("relation-service") => relations = url(),
                Some("metrics") => metrics = url(),
                _ => {}
            }
        }
        // Nobody reads on; a full pipe must not stop the services.
        std::thread::spawn(move || greeting.read_to_end(&mut Vec::new()));
        let admin = metrics.trim_end_matches("/metrics").to_owned();
        World { child, users, relations, admin }
    }
}

pub struct World {
    child: Child,
    pub users: String,
    pub relations: String,
    pub admin: String,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl World {
    /// SIGKILL: nothing is finished, nothing is flushed.
    pub fn crash(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the process to end by itself.
    pub fn ended(mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < STOP_WAIT, "it does not stop");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    pub async fn register(&self, name: &str) -> Person {
        let users = Client::new(&self.users);
        let body = json!({
            "username": name, "email": format!("{name}@example.com"), "password": PASSWORD,
        });
        let made = users.json(Method::POST, "/v1/users", &body).await.expect(201).json();
        self.person(&made)
    }

    pub async fn log_in(&self, login: &str, password: &str) -> Person {
        let body = json!({"login": login, "password": password});
        let made = Client::new(&self.users).json(Method::POST, "/v1/sessions", &body).await.expect(201);
        self.person(&made.json())
    }

    fn person(&self, made: &Value) -> Person {
        let token = made["session"]["access_token"].as_str().unwrap();
        Person {
            id: made["user"]["id"].as_str().unwrap().to_owned(),
            users: Client::new(&self.users).with_token(token),
            relations: Client::new(&self.relations).with_token(token),
        }
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub users: Client,
    pub relations: Client,
}

impl Person {
    pub async fn follow(&self, target: &Self) -> Value {
        self.relations.put(&format!("/v1/me/following/{}", target.id)).await.expect(200).json()
    }

    pub async fn block(&self, target: &Self) -> Value {
        self.relations.put(&format!("/v1/me/blocks/{}", target.id)).await.expect(200).json()
    }

    pub async fn relationship(&self, target: &Self) -> Value {
        let path = format!("/v1/me/relationships?ids={}", target.id);
        self.relations.get(&path).await.expect(200).json()["items"][0]["relationship"].clone()
    }

    pub async fn counts(&self) -> Value {
        self.relations.get(&format!("/v1/users/{}/counts", self.id)).await.expect(200).json()
    }

    pub async fn go_private(&self, private: bool) {
        let body = json!({ "private_account": private });
        self.users.json(Method::PATCH, "/v1/me/privacy", &body).await.expect(200);
    }
}

/// How many rounds of something; a long run sets `MUTUAL_TEST_ROUNDS`.
pub fn rounds(usual: usize) -> usize {
    std::env::var("MUTUAL_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

/// Runs a case on both databases; without a Postgres server it is skipped there, said out loud.
macro_rules! on_both_grounds {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[actix_web::test] async fn $case() {
                super::$case(crate::world::Ground::sqlite().unwrap()).await;
            })+
        }
        mod postgres {
            $(#[actix_web::test] async fn $case() {
                if let Some(ground) = crate::world::Ground::postgres() {
                    super::$case(ground).await;
                }
            })+
        }
    };
}
pub(crate) use on_both_grounds;
