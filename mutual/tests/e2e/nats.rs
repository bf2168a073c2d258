//! `kill -9` of the services and of NATS, in turn and amid writes: both streams are the logs, event by event.
//! `MUTUAL_TEST_ROUNDS` sets how often.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::rt;
use serde_json::Value;
use shared::db::{DatabaseUrl, log, open_reader};
use shared::testing::{Client, NatsServer};

use crate::world::{Ground, Person, World, on_both_grounds, rounds};

on_both_grounds!(both_streams_are_the_logs_whatever_is_killed, a_nats_that_is_away_is_told_of_once);

const PEOPLE: usize = 12;
/// Answers between one thing that is killed and the next.
const ANSWERS: usize = 60;
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long the streams may take to come to the end of the logs.
const PATIENCE: Duration = Duration::from_secs(60);

async fn until(what: &str, met: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !met().await {
        assert!(started.elapsed() < PATIENCE, "not {what} within {PATIENCE:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Events of both logs, by people who follow and rename themselves until nobody answers.
async fn write_until_it_ends(people: Vec<Person>, writer: usize, round: usize, answers: Rc<Cell<usize>>) {
    for step in 0.. {
        let target = (writer + 1 + (step + round) % (PEOPLE - 1)) % PEOPLE;
        let (person, path) = (&people[writer], format!("/v1/me/following/{}", people[target].id));
        let method = if (step / PEOPLE).is_multiple_of(2) { Method::PUT } else { Method::DELETE };
        let acted = person.relations.try_send(method, &path, &[], Vec::new()).await;
        let name =
            serde_json::json!({ "display_name": format!("Name {round} {step}") }).to_string().into_bytes();
        let json = [("content-type", "application/json")];
        let named = person.users.try_send(Method::PATCH, "/v1/me", &json, name).await;
        let (Ok(acted), Ok(named)) = (acted, named) else { return };
        acted.expect(200);
        named.expect(200);
        answers.set(answers.get() + 2);
    }
}

/// The log of a database, as the feed shows it.
fn log_of(url: &DatabaseUrl) -> Vec<Value> {
    let events = log::after(&mut open_reader(url).unwrap(), 0, i64::MAX).unwrap();
    events.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
}

async fn assert_is_log(nats: &NatsServer, name: &str, url: &DatabaseUrl) -> usize {
    let (stream, log) = (format!("mutual-{name}"), log_of(url));
    let last = u64::try_from(log.len()).unwrap();
    until(&format!("published up to {last}"), async || nats.last(&stream).await >= last).await;
    let messages = nats.messages(&stream).await;
    assert_eq!(messages.len(), log.len());
    for ((event, message), seq) in log.iter().zip(messages).zip(1..) {
        assert_eq!(&message.data, event);
        let subject = format!("mutual.{name}.{}", event["type"].as_str().unwrap());
        assert_eq!((message.seq, message.id, message.subject), (seq, seq.to_string(), subject));
    }
    log.len()
}

async fn both_streams_are_the_logs_whatever_is_killed(ground: Ground) {
    let Some(mut nats) = NatsServer::start() else { return };
    let flags = ["--nats-url".to_owned(), nats.url()];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut world = ground.serve_with(&flags);
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(world.register(&format!("person_{number}")).await);
    }
    for round in 0..rounds(3) {
        let answers = Rc::new(Cell::new(0));
        let write = |writer| rt::spawn(write_until_it_ends(people.clone(), writer, round, answers.clone()));
        let writers: Vec<_> = (0..PEOPLE).map(write).collect();
        let answered = async |count: usize| until("answered", async || answers.get() >= count).await;
        answered(ANSWERS).await;
        nats.crash();
        answered(2 * ANSWERS).await;
        nats.restart();
        answered(3 * ANSWERS + round * 17 % 100).await;
        world.crash();
        for writer in writers {
            writer.await.unwrap();
        }
        world = ground.serve_with(&flags);
        for person in &mut people {
            person.relations = person.relations.at(&world.relations);
            person.users = person.users.at(&world.users);
        }
    }
    let users = assert_is_log(&nats, "user", &ground.user_url()).await;
    let relations = assert_is_log(&nats, "relation", &ground.relation_url()).await;
    assert!(users.min(relations) > 100, "{users} and {relations} events: the test shows nothing");
}

const LAG: &str = "mutual_publisher_lag_events";

/// The value of a gauge of one service.
async fn told(world: &World, name: &str, service: &str) -> Option<f64> {
    let text = Client::new(&world.admin).get("/metrics").await.expect(200).bytes;
    let text = String::from_utf8(text).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}{{service=\"{service}\"}} ")));
    line.map(|value| value.parse().unwrap())
}

async fn a_nats_that_is_away_is_told_of_once(ground: Ground) {
    let Some(mut nats) = NatsServer::start() else { return };
    nats.crash();
    // From a file, so that the password is in no argument; the server asks for none, and is sent one all the same.
    let held = ground.dir().join("nats-url");
    std::fs::write(&held, nats.url().replace("://", "://mutual:s3cret@")).unwrap();
    let flags = ["--nats-url".to_owned(), format!("file://{}", held.display())];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (world, lines) = ground.serve_and_listen(&flags);
    let mut people = Vec::new();
    for number in 0..3 {
        people.push(world.register(&format!("person_{number}")).await);
    }
    people[0].follow(&people[1]).await;
    for service in ["user-service", "relation-service"] {
        until("away", async || told(&world, "mutual_publisher_connected", service).await == Some(0.0)).await;
        let tries =
            async || told(&world, "mutual_publisher_interruptions_total", service).await.unwrap_or_default();
        until("tried more than once", async || tries().await > 2.0).await;
        // Only the stream knows what it has, and it was not asked yet.
        assert_eq!(told(&world, LAG, service).await, None);
    }
    nats.restart();
    for service in ["user-service", "relation-service"] {
        until("there", async || told(&world, LAG, service).await == Some(0.0)).await;
        assert_eq!(told(&world, "mutual_publisher_connected", service).await, Some(1.0));
    }
    nats.crash();
    people[0].follow(&people[2]).await;
    for (service, events) in [("user-service", 0.0), ("relation-service", 1.0)] {
        let connected = async || told(&world, "mutual_publisher_connected", service).await;
        until("away again", async || connected().await == Some(0.0)).await;
        until("behind", async || told(&world, LAG, service).await == Some(events)).await;
    }
    nats.restart();
    for service in ["user-service", "relation-service"] {
        let connected = async || told(&world, "mutual_publisher_connected", service).await;
        until("there again", async || connected().await == Some(1.0)).await;
        until("level", async || told(&world, LAG, service).await == Some(0.0)).await;
    }
    world.crash();
    let log: Vec<String> = lines.into_iter().collect();
    for (what, count) in
        [("events wait to be published to the NATS stream", 4), ("are published to the NATS stream", 4)]
    {
        let told = log.iter().filter(|line| line.contains(what)).count();
        assert_eq!(told, count, "{what}: once for each service and outage\n{}", log.join("\n"));
    }
    assert!(!log.iter().any(|line| line.contains("async_nats")), "the library is silent\n{}", log.join("\n"));
    assert!(!log.iter().any(|line| line.contains("s3cret")), "{}", log.join("\n"));
}
