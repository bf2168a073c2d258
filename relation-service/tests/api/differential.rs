//! One history, told to three services: one that remembers much, one that has room for hardly anything, and one that
//! asks its tables each time. Each answer is the same. `MUTUAL_TEST_ROUNDS` sets how many thousand operations there are.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::cache::CacheSettings;
use shared::clock::{Clock, Micros};
use shared::testing::{Client, TestDatabase};

use crate::person::{Act, Person};
use crate::random::Random;
use crate::test_app::{TestApp, until};

const THOUSANDS: usize = 1;
const OPERATIONS_OF_A_ROUND: usize = 1_000;
/// More than a small memory has room for, once they have edges.
const PEOPLE: usize = 40;
const MEMORIES_MIB: [u32; 3] = [64, 1, 0];
const SEED: u64 = 0xD1FF;
const START_MS: i64 = 1_900_000_000_000;
const STEP: Duration = Duration::from_millis(1);
/// Somebody changes their settings once in so many operations.
const NEWS_EVERY: usize = 100;

/// A request that each of the three is sent.
struct Operation {
    me: usize,
    method: Method,
    path: String,
    body: Option<Value>,
}

fn operation(random: &mut Random, ids: &[String]) -> Operation {
    let (me, them) = random.two_below(PEOPLE);
    let id = &ids[them];
    let get = |path: String| Operation { me, method: Method::GET, path, body: None };
    let send = |method, path: String, body| Operation { me, method, path, body };
    match random.below(20) {
        0..7 => {
            let act = random.one_of(&[&Act::ALL[..], &[Act::Follow; 8]].concat());
            let (method, path) = act.request(id);
            send(method, path, None)
        }
        7 => send(Method::PUT, format!("/v1/me/close-friends/{id}"), None),
        8 => {
            let note = "n".repeat(random.below(4) * 150);
            send(Method::PUT, format!("/v1/me/notes/{id}"), Some(json!({"note": note})))
        }
        9 => {
            let body = json!({"duration_seconds": 1, "notifications": false});
            send(Method::PUT, format!("/v1/me/mutes/{id}"), Some(body))
        }
        10..12 => {
            let some: Vec<&str> = ids.iter().skip(random.below(8)).step_by(3).map(String::as_str).collect();
            get(format!("/v1/me/relationships?ids={}", some.join(",")))
        }
        12 => get(format!("/v1/counts?ids={}", ids[..10].join(","))),
        13 => get(format!("/v1/users/{id}/counts")),
        14..18 => {
            let list = random.one_of(&["followers", "following", "friends"]);
            let order = random.one_of(&["newest", "oldest"]);
            let limit = random.one_of(&[1, 3, 20]);
            get(format!("/v1/users/{id}/{list}?order={order}&limit={limit}&expand=user"))
        }
        18 => {
            let own = random.one_of(&[
                "follow-requests",
                "follow-requests/sent",
                "blocks",
                "mutes",
                "close-friends",
            ]);
            get(format!("/v1/me/{own}?limit=3"))
        }
        _ => get(format!("/v1/me/explain?action=follow&user_id={id}")),
    }
}

/// The answer without what is new each time: an id of the request, and where exactly in a microsecond a page ends.
async fn told(client: &Client, asked: &Operation) -> Value {
    let answer = match &asked.body {
        Some(body) => client.json(asked.method.clone(), &asked.path, body).await,
        None => client.send(asked.method.clone(), &asked.path, &[], Vec::new()).await,
    };
    let mut body = answer.json();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("request_id");
        if let Some(cursor) = fields.get_mut("next_cursor") {
            *cursor = json!(!cursor.is_null());
        }
    }
    json!({"status": answer.status.as_u16(), "body": body})
}

struct Twin {
    app: TestApp,
    people: Vec<Person>,
    clock: Clock,
}

async fn twin(make: &impl Fn() -> TestDatabase, mib: u32) -> Twin {
    let clock = Clock::fixed(Micros::from_millis(START_MS));
    let app = TestApp::remembering(make, CacheSettings::new(mib, true), clock.clone()).await;
    let people = app.crowd("person", PEOPLE).await;
    Twin { app, people, clock }
}

async fn memory_changes_no_answer(make: impl Fn() -> TestDatabase) {
    let rounds =
        std::env::var("MUTUAL_TEST_ROUNDS").map_or(THOUSANDS, |rounds| rounds.parse().expect("a number"));
    let mut twins = Vec::new();
    for mib in MEMORIES_MIB {
        twins.push(twin(&make, mib).await);
    }
    let ids: Vec<String> = twins[0].people.iter().map(|person| person.id.to_string()).collect();
    assert!(twins.iter().all(|twin| twin.people.iter().map(|person| person.id.to_string()).eq(ids.clone())));
    let mut random = Random::new(SEED);
    for number in 0..rounds * OPERATIONS_OF_A_ROUND {
        let asked = operation(&mut random, &ids);
        let (news, private) = (number % NEWS_EVERY == 0, random.below(2) == 0);
        let mut answers = Vec::new();
        for Twin { app, people, clock } in &mut twins {
            clock.advance(STEP);
            if news {
                app.set_private(&people[asked.me], private).await;
                until("what follows from it is done", async || app.is_sound().await).await;
                // A long run outlives tokens.
                people.iter_mut().for_each(|person| person.http = app.client_of(person));
            }
            answers.push(told(&people[asked.me].http, &asked).await);
        }
        for (answer, mib) in answers.iter().zip(MEMORIES_MIB) {
            assert_eq!(answer, &answers[2], "operation {number}, {mib} MiB: {} {}", asked.method, asked.path);
        }
    }
}

shared::on_both_databases!(memory_changes_no_answer);
