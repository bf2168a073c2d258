//! How many files are read at a time, of everybody and of one; and how many one may bring in a day.

use std::io::Write;
use std::net::TcpStream;

use clap::Parser;
use relation_service::config::Config;
use relation_service::handle::FILES_AT_ONCE;
use shared::testing::TestDatabase;

use crate::imports::{done, import, numbers, send};
use crate::person::Person;
use crate::test_app::{TestApp, all, until};

/// Begins to send a file, and stops half-way.
fn dribble(app: &TestApp, person: &Person) -> TcpStream {
    let mut socket = TcpStream::connect(app.url("").strip_prefix("http://").unwrap()).unwrap();
    let head = format!(
        "POST /v1/me/imports?kind=mutes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: text/csv\r\ncontent-length: 8\r\n\r\nno",
        person.token
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket
}

async fn nobody_takes_all_places_for_files(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [slow, other] = app.people(["slow", "other"]).await;
    let slow_ones: Vec<TcpStream> = (0..2 * FILES_AT_ONCE).map(|_| dribble(&app, &slow)).collect();
    // That one is refused shows that it is the turn of another of these.
    until("refused", async || send(&slow, "kind=blocks", "nobody\n").await.code() == "overloaded").await;
    assert_eq!(numbers(&import(&other, "kind=blocks", "nobody\n").await), [1, 1, 1, 0, 0]);
    drop(slow_ones);
    until("free again", async || send(&slow, "kind=blocks", "nobody\n").await.status == 202).await;
}

async fn rate_limits_can_be_switched_off(make: impl Fn() -> TestDatabase) {
    let limits = |arguments: &[&str]| {
        let config = Config::try_parse_from([&["relation-service"], arguments].concat());
        config.map(|config| config.limits.in_force(config.rate_limits)).map_err(|error| error.to_string())
    };
    assert_eq!(limits(&[]).unwrap().imports_per_24h, 20);
    let off = limits(&["--rate-limits", "off", "--follows-per-24h", "3"]).unwrap();
    assert_eq!((off.imports_per_24h, off.follows_per_24h), (0, 3), "a rule of relations stands");
    assert!(limits(&["--rate-limits", "maybe"]).is_err());
    let app = TestApp::with_limits(make, off).await;
    let [me] = app.people(["me"]).await;
    for _ in 0..22 {
        let answer = send(&me, "kind=blocks", "nobody\n").await.expect(202);
        assert_eq!(answer.header("x-ratelimit-limit"), "");
        done(&me, answer.json()["id"].as_str().unwrap()).await;
    }
}

async fn one_persons_files_wait_for_each_other(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me] = app.people(["me"]).await;
    let kinds = ["kind=blocks", "kind=mutes", "kind=following"];
    for answer in all(kinds.map(|kind| send(&me, kind, "nobody\n"))).await {
        answer.expect(202);
    }
}

shared::on_both_databases!(
    nobody_takes_all_places_for_files,
    rate_limits_can_be_switched_off,
    one_persons_files_wait_for_each_other,
);
