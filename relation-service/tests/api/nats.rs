//! The log in NATS JetStream: the stream is the log, whatever happens to NATS, to the service and to the stream itself.
//! `MUTUAL_TEST_ROUNDS` sets how often NATS is killed.

use std::cell::Cell;
use std::time::Duration;

use actix_web::http::Method;
use futures_util::StreamExt;
use futures_util::future::join;
use serde_json::Value;
use shared::clock::Clock;
use shared::db::log;
use shared::testing::{NatsServer, TestDatabase};
use tokio::time::timeout;

use crate::person::{Act, Person};
use crate::random::Random;
use crate::test_app::{TestApp, all, until, within};

/// The stream of this service.
pub const STREAM: &str = "mutual-relation";
/// How often NATS is killed, unless `MUTUAL_TEST_ROUNDS` says otherwise.
const CRASHES: usize = 4;
/// People who act at the same time.
const ACTING: usize = 4;
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// So many follows and their ends, by several people at once.
pub async fn churn(people: &[Person], acts: usize, seed: u64) {
    let one = async |actor: usize| {
        let mut random = Random::new(seed + u64::try_from(actor).unwrap());
        for _ in 0..acts / ACTING {
            let other = (actor + 1 + random.below(people.len() - 1)) % people.len();
            let method = random.one_of(&[Method::PUT, Method::DELETE].each_ref()).clone();
            let path = format!("/v1/me/following/{}", people[other].id);
            people[actor].http.send(method, &path, &[], Vec::new()).await.expect(200);
        }
    };
    all((0..ACTING).map(one)).await;
}

/// The log as the tables have it, each event as the feed shows it.
pub fn log_of(app: &TestApp) -> Vec<Value> {
    let events = log::after(&mut app.writer(), 0, i64::MAX).unwrap();
    events.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
}

/// Waits until the stream has come to the end of the log.
async fn caught_up(app: &TestApp, nats: &NatsServer) {
    let head = u64::try_from(app.head()).unwrap();
    within(PATIENCE, &format!("published up to {head}"), async || nats.last(STREAM).await == head).await;
}

/// The stream holds the log from the number `from` on, and nothing else.
async fn assert_is_log(app: &TestApp, nats: &NatsServer, from: u64) {
    caught_up(app, nats).await;
    let (log, messages) = (log_of(app), nats.messages(STREAM).await);
    let log = log.iter().filter(|event| event["seq"].as_u64().unwrap() >= from);
    let numbers: Vec<u64> = messages.iter().map(|message| message.seq).collect();
    let whole: Vec<u64> = (from..=u64::try_from(app.head()).unwrap()).collect();
    assert_eq!(numbers, whole, "contiguous");
    for (event, message) in log.zip(messages) {
        assert_eq!(message.data, *event);
        assert_eq!(message.id, event["seq"].to_string());
        assert_eq!(message.subject, format!("mutual.relation.{}", event["type"].as_str().unwrap()));
    }
}

async fn the_stream_is_the_log_whatever_happens_to_nats(make: impl Fn() -> TestDatabase) {
    let Some(mut nats) = NatsServer::start() else { return };
    let app = TestApp::publishing(make, &nats).await;
    let people = app.crowd("person", 8).await;
    let crashes =
        std::env::var("MUTUAL_TEST_ROUNDS").map_or(CRASHES, |rounds| rounds.parse().expect("a number"));
    let crashing = Cell::new(true);
    let load = async {
        let mut seed = 0;
        while crashing.get() {
            churn(&people, 40, seed).await;
            seed += 100;
        }
    };
    let faults = async {
        for _ in 0..crashes {
            let before = nats.last(STREAM).await;
            within(PATIENCE, "published further", async || nats.last(STREAM).await > before + 20).await;
            nats.crash();
            // A NATS that is away holds nobody up.
            let before = app.revision().await;
            within(PATIENCE, "written further", async || app.revision().await > before + 60).await;
            nats.restart();
        }
        crashing.set(false);
    };
    join(load, faults).await;
    assert_is_log(&app, &nats, 1).await;
}

async fn a_service_that_comes_back_goes_on(make: impl Fn() -> TestDatabase) {
    let Some(nats) = NatsServer::start() else { return };
    let mut app = TestApp::publishing(make, &nats).await;
    let people = app.crowd("person", 8).await;
    for seed in 0..5 {
        let people: Vec<Person> = people.iter().map(|person| app.again(person)).collect();
        churn(&people, 60, seed).await;
        app.stop_service();
        app.start_service();
        app.until_ready().await;
    }
    assert_is_log(&app, &nats, 1).await;
}

async fn a_stream_that_was_removed_or_emptied_is_gone_on_with(make: impl Fn() -> TestDatabase) {
    let Some(mut nats) = NatsServer::start() else { return };
    let app = TestApp::publishing(make, &nats).await;
    let people = app.crowd("person", 8).await;
    churn(&people, 60, 1).await;
    assert_is_log(&app, &nats, 1).await;
    // As by the age that an operator allows; and no message is left that could say how far it has come.
    nats.empty(STREAM).await;
    let next = nats.last(STREAM).await + 1;
    nats.restart();
    churn(&people, 60, 2).await;
    assert_is_log(&app, &nats, next).await;
    // Whoever removes the stream has it made anew, from the first event on.
    nats.delete(STREAM).await;
    churn(&people, 60, 3).await;
    assert_is_log(&app, &nats, 1).await;
}

async fn what_is_something_else_is_left_alone(make: impl Fn() -> TestDatabase) {
    let Some(nats) = NatsServer::start() else { return };
    let mut app = TestApp::publishing(make, &nats).await;
    let people = app.crowd("person", 8).await;
    churn(&people, 60, 1).await;
    assert_is_log(&app, &nats, 1).await;
    app.stop_service();
    nats.intrude("mutual.relation.nonsense", "not ours").await;
    let before = nats.messages(STREAM).await;
    app.start_service();
    app.until_ready().await;
    let people: Vec<Person> = people.iter().map(|person| app.again(person)).collect();
    churn(&people, 60, 2).await;
    // Who asks again had put nothing behind it the time before.
    let mut looks = nats.looks(STREAM).await;
    for _ in 0..2 {
        timeout(PATIENCE, looks.next()).await.expect("it looks again and again").expect("NATS is there");
    }
    assert_eq!(nats.messages(STREAM).await, before, "nothing was put behind it");
    nats.delete(STREAM).await;
    assert_is_log(&app, &nats, 1).await;
}

async fn what_was_not_published_is_kept_longer(make: impl Fn() -> TestDatabase) {
    let Some(mut nats) = NatsServer::start() else { return };
    let mut app = TestApp::publishing(make, &nats).await;
    let people = app.crowd("person", 8).await;
    nats.crash();
    churn(&people, 60, 1).await;
    app.stop_service();
    app.event_retention = Some(10 * DAY);
    app.clock = Clock::fixed(Clock::system().now().after(11 * DAY));
    app.start_service();
    app.until_ready().await;
    // Another reader has read all of it.
    let feed = app.service("notifier", &["events"]);
    feed.get(&format!("/v1/events?after={}", app.head())).await.expect(200);
    let log = log_of(&app);
    nats.restart();
    until("forgotten", async || log_of(&app).len() == 1).await;
    let messages = nats.messages(STREAM).await;
    assert!(messages.iter().map(|message| &message.data).eq(&log), "all of it was published before");
}

async fn what_is_too_old_goes_unpublished_and_the_stream_begins_anew(make: impl Fn() -> TestDatabase) {
    let Some(mut nats) = NatsServer::start() else { return };
    let mut app = TestApp::publishing(make, &nats).await;
    let people = app.crowd("person", 8).await;
    churn(&people, 20, 1).await;
    assert_is_log(&app, &nats, 1).await;
    nats.crash();
    churn(&people, 60, 2).await;
    app.stop_service();
    app.event_retention = Some(10 * DAY);
    app.clock = Clock::fixed(Clock::system().now().after(41 * DAY));
    app.start_service();
    app.until_ready().await;
    until("forgotten", async || log_of(&app).len() == 1).await;
    let newest = u64::try_from(app.head()).unwrap();
    nats.restart();
    assert_is_log(&app, &nats, newest).await;
    app.stop_service();
    app.event_retention = None;
    app.clock = Clock::system();
    nats.restart();
    app.start_service();
    app.until_ready().await;
    let people: Vec<Person> = people.iter().map(|person| app.again(person)).collect();
    people[5].act(Act::Follow, &people[6]).await;
    assert_is_log(&app, &nats, newest).await;
}

async fn one_of_several_instances_publishes(make: impl Fn() -> TestDatabase) {
    let Some(nats) = NatsServer::start() else { return };
    let mut app = TestApp::publishing(make, &nats).await;
    let people = app.crowd("person", 8).await;
    app.cache.only_writer = false;
    app.stop_service();
    app.start_service();
    app.until_ready().await;
    for seed in 0..3 {
        let (second, base) = app.second_instance().await.unwrap();
        let beside = people.iter().map(|person| {
            let person = app.again(person);
            Person { http: person.http.at(base.as_str()), ..person }
        });
        let (own, beside): (Vec<Person>, Vec<Person>) =
            (people.iter().map(|p| app.again(p)).collect(), beside.collect());
        join(churn(&own, 100, seed), churn(&beside, 100, seed + 50)).await;
        // Whichever publishes goes, sooner or later.
        app.stop_service();
        churn(&beside, 100, seed + 70).await;
        assert_is_log(&app, &nats, 1).await;
        app.start_service();
        app.until_ready().await;
        drop(second);
    }
    assert_is_log(&app, &nats, 1).await;
}

shared::on_both_databases!(
    the_stream_is_the_log_whatever_happens_to_nats,
    a_service_that_comes_back_goes_on,
    a_stream_that_was_removed_or_emptied_is_gone_on_with,
    what_is_something_else_is_left_alone,
    what_was_not_published_is_kept_longer,
    what_is_too_old_goes_unpublished_and_the_stream_begins_anew,
);
shared::on_postgres!(one_of_several_instances_publishes);
