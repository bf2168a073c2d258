//! Old events go, and a reader that comes too late is told so and can begin again.

use std::time::{Duration, Instant};

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::on_both_databases;
use shared::testing::Client;
use user_service::actors::register::ImportedUser;
use user_service::domain::username::Username;
use user_service::store::audit::audit;

use crate::test_app::{Make, TestApp, held_clock};

on_both_databases!(
    events_go_once_everybody_has_read_them,
    what_nobody_reads_goes_in_the_end,
    many_go_in_steps_and_the_newest_stays,
    everybody_can_be_learned_afresh,
);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PATIENCE: Duration = Duration::from_secs(20);

fn keeping_ten_days(make: Make) -> TestApp {
    TestApp::start_with(make, |settings| {
        settings.clock = held_clock();
        settings.event_retention = Some(10 * DAY);
    })
}

/// Waits until the oldest event is the one with this number.
async fn until_oldest(feed: &Client, seq: i64) {
    let started = Instant::now();
    loop {
        // A place that acknowledges nothing.
        let page = feed.get(&format!("/v1/events?after={}&limit=1", i64::MAX)).await.expect(200).json();
        if page["oldest"] == seq {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{} is not {seq}", page["oldest"]);
        actix_web::rt::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn events_go_once_everybody_has_read_them(make: Make) {
    let app = keeping_ten_days(make);
    app.register("ann").await;
    app.register("bob").await;
    let relation = app.relation_service();
    relation.get("/v1/events?after=1").await.expect(200);
    app.settings.clock.advance(11 * DAY);
    app.register("carol").await;
    let app = app.restart().await;
    let (relation, feed) = (app.relation_service(), app.service(&["events"]));
    // It was there, so what it has not read waits for it: how far it has read is its own to say.
    relation.get("/v1/events?after=1").await.expect(200);
    until_oldest(&feed, 2).await;
    relation.get("/v1/events?after=3").await.expect(200);
    until_oldest(&feed, 3).await;
    for after in [0, 1] {
        let gone = feed.get(&format!("/v1/events?after={after}&wait_ms=1000")).await;
        assert_eq!(gone.expect_problem(410, "events_expired").json()["oldest"], 3);
        let last = after.to_string();
        let path = "/v1/events/stream";
        let gone = feed.send(Method::GET, path, &[("last-event-id", &last)], Vec::new()).await;
        assert_eq!(gone.expect_problem(410, "events_expired").json()["oldest"], 3);
    }
    feed.get("/v1/events/stream").await.expect_problem(410, "events_expired");
    let rest = feed.get("/v1/events?after=2").await.expect(200).json();
    assert_eq!(
        (&rest["items"][0]["seq"], &rest["oldest"], &rest["newest"]),
        (&json!(3), &json!(3), &json!(3))
    );
    assert!(audit(&mut app.conn()).unwrap().iter().all(|finding| finding.drift == 0));
}

async fn what_nobody_reads_goes_in_the_end(make: Make) {
    let app = keeping_ten_days(make);
    app.register("ann").await;
    app.relation_service().get("/v1/events").await.expect(200);
    app.settings.clock.advance(5 * DAY);
    app.register("bob").await;
    app.settings.clock.advance(DAY);
    app.register("carol").await;
    // The first is 41 days old, the second 36: both were to be read, and only so long.
    app.settings.clock.advance(35 * DAY);
    let app = app.restart().await;
    let feed = app.service(&["events"]);
    until_oldest(&feed, 2).await;
    // Nothing else is due until somebody reads.
    app.relation_service().get("/v1/events?after=3").await.expect(200);
    until_oldest(&feed, 3).await;
}

async fn many_go_in_steps_and_the_newest_stays(make: Make) {
    let app = keeping_ten_days(make);
    let named = |number| {
        let name = format!("n{number}");
        ImportedUser { username: Username::parse(&name).unwrap(), display_name: name }
    };
    app.handle.register_imported((0..2_500).map(named).collect()).await.unwrap();
    app.settings.clock.advance(11 * DAY);
    let app = app.restart().await;
    let feed = app.service(&["events"]);
    until_oldest(&feed, 2_500).await;
    app.register("ann").await;
    let rest = feed.get("/v1/events?after=2499").await.expect(200).json();
    let numbers: Vec<&Value> = rest["items"].as_array().unwrap().iter().map(|event| &event["seq"]).collect();
    assert_eq!(numbers, [&json!(2_500), &json!(2_501)]);
    assert!(audit(&mut app.conn()).unwrap().iter().all(|finding| finding.drift == 0));
}

async fn everybody_can_be_learned_afresh(make: Make) {
    let app = TestApp::start(make);
    let mut people = Vec::new();
    for number in 0..5 {
        people.push(app.register(&format!("person{number}")).await.id);
    }
    people.sort_by_key(|id| id.parse::<i64>().unwrap());
    let service = app.relation_service();
    let (mut found, mut place) = (Vec::new(), String::new());
    loop {
        let page = service.get(&format!("/v1/user-facts/all?limit=2{place}")).await.expect(200).json();
        let items = page["items"].as_array().unwrap().clone();
        let Some(last) = items.last() else { break };
        assert_eq!(page["seq"], 5);
        place = format!("&after={}", last["id"].as_str().unwrap());
        found.extend(items);
    }
    let ids: Vec<&str> = found.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, people);
    let one = service.get(&format!("/v1/user-facts?ids={}", people[3])).await.expect(200).json();
    assert_eq!(found[3], one["items"][0]);
    for (query, code) in
        [("limit=0", "invalid_limit"), ("after=x", "invalid_query"), ("x=1", "invalid_query")]
    {
        service.get(&format!("/v1/user-facts/all?{query}")).await.expect_problem(400, code);
    }
    let path = "/v1/user-facts/all";
    app.client.get(path).await.expect_problem(401, "unauthenticated");
    app.service(&["events"]).get(path).await.expect_problem(403, "missing_scope");
}
