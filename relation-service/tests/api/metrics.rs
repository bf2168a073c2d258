//! What the program tells its operator, on a listener of its own.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use shared::clock::Clock;
use shared::db::DatabaseUrl;
use shared::id::UserId;
use shared::testing::{Client, TestDatabase};

use crate::fake_user_service::FakeUserService;
use crate::test_app::within;

/// A slow machine starts a program within this.
const START_WAIT: Duration = Duration::from_secs(60);

/// A running program. It is killed when dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads on until the program says where something is.
fn told(log: &mut Lines<BufReader<ChildStderr>>, what: &str) -> String {
    let told = log.find_map(|line| Some(line.ok()?.split_once(what)?.1.trim().to_owned()));
    told.expect("it says so before it ends")
}

async fn the_program_counts_what_it_answers(make: impl Fn() -> TestDatabase) {
    let (users, database, dir) =
        (FakeUserService::start(Clock::system()), make(), tempfile::tempdir().unwrap());
    let secret = dir.path().join("service-secret");
    std::fs::write(&secret, users.secret.reveal()).unwrap();
    let url = match &database.url {
        DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
        DatabaseUrl::Postgres(url) => url.clone(),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_relation-service"));
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--database-url", &url]);
    command.args(["--user-service-url", &users.url]).arg("--service-secret-file").arg(&secret);
    let mut program = Program(command.env("RUST_LOG", "info").stderr(Stdio::piped()).spawn().unwrap());
    let mut log = BufReader::new(program.0.stderr.take().unwrap()).lines();
    let admin = told(&mut log, "metrics are at ");
    let client = Client::new(told(&mut log, "listens on "));
    // The log goes on; nobody may block on it.
    std::thread::spawn(move || log.for_each(drop));
    within(START_WAIT, "ready", async || client.get("/readyz").await.status == 200).await;
    let (id, session) = users.register("anna");
    users.applied().await;
    let anna = client.with_token(users.token(id, session));
    for _ in 0..3 {
        anna.get(&format!("/v1/users/{id}/counts")).await.expect(200);
    }
    for path in [
        format!("/v1/me/relationships?ids={id}"),
        format!("/v1/users/{id}/followers"),
        format!("/v1/users/{id}/following"),
    ] {
        // The first of them loads what is not remembered yet.
        for _ in 0..2 {
            anna.get(&path).await.expect(200);
        }
    }
    anna.put(&format!("/v1/me/following/{id}")).await.expect(422);
    client.get("/metrics").await.expect(404);
    let admin = Client::new(admin.strip_suffix("/metrics").unwrap());
    let text = String::from_utf8(admin.get("/metrics").await.expect(200).bytes).unwrap();
    let labels = |method: &str, route: &str| {
        format!(r#"service="relation-service",method="{method}",route="{route}""#)
    };
    let (counts, follow) = (labels("GET", "/v1/users/{id}/counts"), labels("PUT", "/v1/me/following/{id}"));
    for line in [
        format!(r#"mutual_http_requests_total{{{counts},status="2xx"}} 3"#),
        format!(r#"mutual_http_requests_total{{{follow},status="4xx"}} 1"#),
        format!(r#"mutual_http_request_seconds_bucket{{{counts},le="+Inf"}} 3"#),
        format!("mutual_http_request_seconds_count{{{counts}}} 3"),
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
    }
    assert!(text.contains(r#"mutual_log_revision{service="relation-service"}"#), "{text}");
    // On its own database the program asks nobody whether its memory is current: the second of each is answered at once.
    let at_once = text
        .lines()
        .find_map(|told| told.strip_prefix(r#"mutual_http_at_once_total{service="relation-service"} "#));
    let at_once: u32 = at_once.map_or(0, |number| number.parse().unwrap());
    match database.url {
        DatabaseUrl::Sqlite(_) => assert!(at_once >= 5, "{at_once}"),
        DatabaseUrl::Postgres(_) => assert_eq!(at_once, 0),
    }
    if matches!(database.url, DatabaseUrl::Postgres(_)) {
        looks_are_shared(&admin, &anna, id).await;
    }
}

/// Beside other instances, reads that wait at the same time wait for the same look. Where the machine is so busy that they come
/// one after another, or are refused, they come again.
async fn looks_are_shared(admin: &Client, anna: &Client, id: UserId) {
    const READS: u64 = 300;
    let told = async |name: &str| -> u64 {
        let text = String::from_utf8(admin.get("/metrics").await.expect(200).bytes).unwrap();
        let line = format!(r#"mutual_{name}_total{{service="relation-service"}} "#);
        text.lines().find_map(|told| told.strip_prefix(&line)).map_or(0, |number| number.parse().unwrap())
    };
    let path = format!("/v1/users/{id}/counts");
    within(START_WAIT, "shared", async || {
        let (reads, looks) = (told("current_reads").await, told("tail_looks").await);
        crate::test_app::all((0..READS).map(|_| anna.get(&path))).await;
        let (reads, looks) = (told("current_reads").await - reads, told("tail_looks").await - looks);
        reads >= READS && looks < reads / 2
    })
    .await;
}

shared::on_both_databases!(the_program_counts_what_it_answers);
