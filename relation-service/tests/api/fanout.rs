//! Everybody who follows a person, at once.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::facts::AccountStatus;
use shared::process::say;
use shared::testing::{Answer, Client, TestDatabase};

use crate::events::read;
use crate::person::{Act, Person};
use crate::test_app::{TestApp, all};

/// How many people follow and unfollow at the same time.
const RESTLESS: usize = 48;
/// Those who follow all the time: several pages of a stream.
const STEADY: usize = 3_000;
/// Streams that are read meanwhile.
const STREAMS: usize = 12;

/// A stream that is whole.
pub struct Followers {
    pub revision: i64,
    pub users_revision: i64,
    /// In their order.
    pub rows: Vec<Value>,
}

/// Takes a stream apart, which must be whole.
#[track_caller]
pub fn whole(answer: Answer) -> Followers {
    let answer = answer.expect(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    assert!(text.ends_with('\n'));
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, last) = (lines.remove(0), lines.pop().unwrap());
    assert_eq!(last, json!({"complete": true, "rows": lines.len()}));
    assert_eq!(answer.header("mutual-revision"), first["revision"].to_string());
    let number = |name: &str| first[name].as_i64().unwrap();
    Followers { revision: number("revision"), users_revision: number("users_revision"), rows: lines }
}

pub fn path(owner: &Person) -> String {
    owner.list("followers.ndjson")
}

async fn whole_of(service: &Client, owner: &Person) -> Followers {
    whole(service.get(&path(owner)).await)
}

async fn a_stream_has_everybody_who_is_not_hidden_and_says_as_of_when(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("delivery", &["fanout"]);
    let [star, ann, ben, cat, dan] = app.people(["star", "ann", "ben", "cat", "dan"]).await;
    let nobody_yet = whole_of(&service, &star).await;
    assert_eq!((nobody_yet.rows.as_slice(), nobody_yet.revision), (&[][..], 0));
    for person in [&ann, &cat, &dan] {
        person.follow(&star).await;
    }
    ben.follow_with_notify(&star, true).await;
    star.follow(&ann).await;
    app.set_status(&cat, AccountStatus::Deactivated).await;
    app.set_private(&star, true).await;
    let newcomer = app.newcomer("newcomer");
    newcomer.follow(&ann).await;
    let seen = whole_of(&service, &star).await;
    assert_eq!(seen.revision, app.revision().await);
    assert!(seen.users_revision >= nobody_yet.users_revision + 2);
    let listed = star.http.get(&star.list("followers")).await.expect(200).json();
    let expected = listed["items"].as_array().unwrap().iter().map(|row| {
        let notify = row["user_id"] == ben.id.to_string();
        json!({"user_id": row["user_id"], "since": row["since"], "notify": notify})
    });
    assert_eq!(seen.rows, expected.collect::<Vec<_>>());
    assert_eq!(seen.rows.len(), 3);
    app.set_status(&cat, AccountStatus::Active).await;
    assert_eq!(whole_of(&service, &star).await.rows.len(), 4);
}

async fn shards_are_parts_that_make_up_the_whole(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("delivery", &["fanout"]);
    let star = app.people(["star"]).await.into_iter().next().unwrap();
    for person in app.crowd("fan", 40).await {
        person.follow(&star).await;
    }
    let shard = async |shard: &str| whole(service.get(&format!("{}?shard={shard}", path(&star))).await).rows;
    let everybody = whole_of(&service, &star).await.rows;
    assert_eq!(shard("0/1").await, everybody);
    let mut parts = Vec::new();
    for index in 0..3 {
        let part = shard(&format!("{index}/3")).await;
        assert!(!part.is_empty() && part.len() < 40, "{}", part.len());
        assert_eq!(shard(&format!("{index}/3")).await, part);
        parts.extend(part);
    }
    assert_eq!(sorted(&parts), sorted(&everybody));
    for bad in ["", "0", "1/1", "0/0", "-1/2", "0/257", "a/b", "0/1/1"] {
        let answer = service.get(&format!("{}?shard={bad}", path(&star))).await;
        answer.expect_problem(400, "invalid_query");
    }
}

fn sorted(rows: &[Value]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    rows.sort_unstable();
    rows
}

async fn only_services_with_the_scope_ask_and_only_about_who_is_there(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("delivery", &["fanout"]);
    let [star, gone] = app.people(["star", "gone"]).await;
    app.nobody.get(&path(&star)).await.expect_problem(401, "unauthenticated");
    star.http.get(&path(&star)).await.expect_problem(403, "only_for_services");
    app.service("other", &["events"]).get(&path(&star)).await.expect_problem(403, "missing_scope");
    service.get("/v1/users/1/followers.ndjson").await.expect_problem(404, "user_not_found");
    service.get("/v1/users/x/followers.ndjson").await.expect_problem(400, "invalid_id");
    service.get(&format!("{}?limit=3", path(&star))).await.expect_problem(400, "invalid_query");
    app.set_status(&gone, AccountStatus::Suspended).await;
    service.get(&path(&gone)).await.expect_problem(404, "user_not_found");
    app.users.hold_feed();
    let newcomer = app.newcomer("newcomer");
    assert_eq!(whole_of(&service, &newcomer).await.rows.len(), 0);
    app.users.release_feed();
    // None of these has kept a place.
    assert_eq!(whole_of(&service, &star).await.rows.len(), 0);
}

/// Follows and unfollows until told to stop; returns how often.
async fn be_restless(person: &Person, star: &Person, enough: &Cell<bool>) -> usize {
    let mut acts = 0;
    while !enough.get() {
        let act = if acts % 2 == 0 { Act::Follow } else { Act::Unfollow };
        person.try_act(act, star.id).await.expect(200);
        acts += 1;
    }
    acts
}

async fn a_stream_and_the_events_after_it_leave_no_gap_and_do_not_overlap(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let service = app.service("delivery", &["fanout", "events"]);
    let star = app.people(["star"]).await.into_iter().next().unwrap();
    app.stop_service();
    crate::fanout_limits::add_followers(&app, &star, STEADY);
    app.start_service();
    app.until_ready().await;
    let (star, service) = (app.again(&star), service.at(app.url("")));
    let people = app.crowd("restless", RESTLESS).await;
    let (enough, began) = (Cell::new(false), Instant::now());
    let restless = all(people.iter().map(|person| be_restless(person, &star, &enough)));
    let streams = async {
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            streams.push(whole_of(&service, &star).await);
        }
        enough.set(true);
        streams
    };
    let (acts, streams) = futures_util::future::join(restless, streams).await;
    let rate = rate(acts.iter().sum(), began.elapsed());
    let events = events(&service, 0).await;
    let now = followers(&whole_of(&service, &star).await.rows);
    let moved: Vec<i64> = streams.windows(2).map(|two| two[1].revision - two[0].revision).collect();
    assert!(moved.iter().all(|&events| events > 0), "{moved:?}");
    say(&format!("{rate} acts a second, events between streams: {moved:?}"));
    for stream in &streams {
        let as_of = |revision| after(&stream.rows, &events, revision);
        assert_eq!(as_of(stream.revision).as_ref(), Ok(&now), "as of {}", stream.revision);
        // One event too early or too late would be noticed.
        assert_ne!(as_of(stream.revision + 1).as_ref(), Ok(&now));
        assert!(stream.revision == 0 || as_of(stream.revision - 1).is_err());
    }
}

fn rate(acts: usize, took: Duration) -> u128 {
    u128::try_from(acts).unwrap() * 1_000 / took.as_millis().max(1)
}

/// All events after a number.
async fn events(service: &Client, after: i64) -> Vec<Value> {
    let (mut events, mut after) = (Vec::new(), after);
    loop {
        let page = read(service, after, 1_000).await;
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            return events;
        }
        events.extend(items.iter().cloned());
        after = page["next_after"].as_i64().unwrap();
    }
}

/// Since when each of them follows.
fn followers(rows: &[Value]) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let by_id: BTreeMap<_, _> = rows.iter().map(|row| (text(&row["user_id"]), text(&row["since"]))).collect();
    assert_eq!(by_id.len(), rows.len(), "nobody is there twice");
    by_id
}

/// Who follows after the events behind a revision; each must change what the events before it have left.
fn after(rows: &[Value], events: &[Value], revision: i64) -> Result<BTreeMap<String, String>, String> {
    let mut followers = followers(rows);
    for event in events.iter().filter(|event| event["seq"].as_i64().unwrap() > revision) {
        let who = event["actor_id"].as_str().unwrap().to_owned();
        match event["type"].as_str().unwrap() {
            "follow.created" => {
                let since = event["at"].as_str().unwrap().to_owned();
                if followers.insert(who, since).is_some() {
                    return Err(format!("overlap: {event}"));
                }
            }
            "follow.removed" => drop(followers.remove(&who).ok_or_else(|| format!("gap: {event}"))?),
            other => panic!("nobody did {other}"),
        }
    }
    Ok(followers)
}

shared::on_both_databases!(
    a_stream_has_everybody_who_is_not_hidden_and_says_as_of_when,
    shards_are_parts_that_make_up_the_whole,
    only_services_with_the_scope_ask_and_only_about_who_is_there,
    a_stream_and_the_events_after_it_leave_no_gap_and_do_not_overlap,
);
