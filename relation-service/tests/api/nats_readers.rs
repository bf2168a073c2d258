//! The three ways to hear of events side by side: pages of the feed, server-sent events, and JetStream. Each reader is
//! killed again and again, and goes on behind the last event that it has; each ends with exactly the log.
//! `MUTUAL_TEST_ROUNDS` sets how many hundred acts there are.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join4;
use serde_json::Value;
use shared::testing::{Client, NatsServer, TestDatabase};
use tokio::time::timeout;

use crate::nats::{STREAM, churn, log_of};
use crate::random::Random;
use crate::test_app::TestApp;

/// Hundreds of acts, unless `MUTUAL_TEST_ROUNDS` says otherwise.
const HUNDREDS: usize = 6;
/// The longest life of a reader, in milliseconds.
const LIFE_MS_MAX: usize = 300;
/// How long a reader may take to the end of the log, once nobody writes any more.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a reader has written down; it outlives the reader.
type Seen = RefCell<Vec<Value>>;

fn last(seen: &Seen) -> i64 {
    seen.borrow().last().map_or(0, |event| event["seq"].as_i64().unwrap())
}

/// Pages of the feed, until it is killed.
async fn read_pages(feed: &Client, seen: &Seen) {
    loop {
        let path = format!("/v1/events?after={}&limit=17&wait_ms=1000", last(seen));
        let page = feed.get(&path).await.expect(200).json();
        seen.borrow_mut().extend(page["items"].as_array().unwrap().iter().cloned());
    }
}

/// Server-sent events, until it is killed.
async fn read_sent(base: &str, token: &str, seen: &Seen) {
    let http = awc::Client::builder().timeout(Duration::from_secs(20)).finish();
    let request = http.get(format!("{base}/v1/events/stream")).bearer_auth(token);
    let request = request.insert_header(("last-event-id", last(seen).to_string()));
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut text = String::new();
    while let Some(piece) = response.next().await {
        text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        while let Some((block, rest)) = text.split_once("\n\n") {
            let data = block.lines().find_map(|line| line.strip_prefix("data: "));
            seen.borrow_mut().extend(data.map(|data| serde_json::from_str::<Value>(data).unwrap()));
            text = rest.to_owned();
        }
    }
}

/// Messages of the stream, until it is killed.
async fn read_stream(nats: &NatsServer, seen: &Seen) {
    let next = u64::try_from(last(seen) + 1).unwrap();
    // The stream is made with the first event.
    let Ok(mut messages) = nats.read(STREAM, next).await else { return };
    while let Some(Ok(message)) = messages.next().await {
        assert_eq!(message.id, message.data["seq"].to_string());
        seen.borrow_mut().push(message.data);
    }
}

/// Starts a reader again and again, each for a short life, until everything was written that it could read.
async fn killed_again_and_again(
    seed: u64,
    ended: &Cell<bool>,
    head: impl Fn() -> i64,
    read: impl AsyncFn(&Seen),
) -> Vec<Value> {
    let (seen, mut random, mut wrote_at) = (Seen::default(), Random::new(seed), Instant::now());
    let mut lives = 0;
    while !(ended.get() && last(&seen) >= head()) {
        let life = Duration::from_millis(u64::try_from(random.below(LIFE_MS_MAX)).unwrap());
        // What it had and has not written down is lost with it.
        let _ = timeout(life, read(&seen)).await;
        tokio::task::yield_now().await;
        lives += 1;
        if !ended.get() {
            wrote_at = Instant::now();
        }
        let late = wrote_at.elapsed() > PATIENCE;
        assert!(!late, "it does not come to the end at {}, only to {}", head(), last(&seen));
    }
    assert!(lives > 3, "it lived {lives} times: the test shows nothing");
    seen.into_inner()
}

async fn every_reader_ends_with_exactly_the_log(make: impl Fn() -> TestDatabase) {
    let Some(nats) = NatsServer::start() else { return };
    let app = TestApp::publishing(make, &nats).await;
    let people = app.crowd("person", 10).await;
    let feed = app.service("feed", &["events"]);
    let internal = app.users.secret.as_internal_token();
    let hundreds =
        std::env::var("MUTUAL_TEST_ROUNDS").map_or(HUNDREDS, |rounds| rounds.parse().expect("a number"));
    let ended = Cell::new(false);
    let head = || app.head();
    let load = async {
        churn(&people, hundreds * 100, 7).await;
        ended.set(true);
    };
    let base = app.url("");
    let ((), pages, sent, stream) = join4(
        load,
        killed_again_and_again(1, &ended, head, async |seen| read_pages(&feed, seen).await),
        killed_again_and_again(2, &ended, head, async |seen| read_sent(&base, internal.reveal(), seen).await),
        killed_again_and_again(3, &ended, head, async |seen| read_stream(&nats, seen).await),
    )
    .await;
    let log = log_of(&app);
    assert!(log.len() > hundreds * 50, "only {} events: the test shows nothing", log.len());
    for (name, seen) in [("pages", pages), ("server-sent events", sent), ("JetStream", stream)] {
        assert_eq!(seen.len(), log.len(), "{name}");
        assert!(seen == log, "{name}");
    }
}

shared::on_both_databases!(every_reader_ends_with_exactly_the_log);
