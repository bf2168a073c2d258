//! Old events: this service's own, and those of user-service that went before this service has read them.

use std::time::Duration;

use actix_web::http::Method;
use shared::clock::Clock;
use shared::testing::{Client, TestDatabase};

use crate::friends::befriend;
use crate::person::Person;
use crate::test_app::{TestApp, until};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A place that acknowledges nothing.
async fn oldest(feed: &Client) -> i64 {
    let page = feed.get(&format!("/v1/events?after={}", i64::MAX)).await.expect(200).json();
    page["oldest"].as_i64().unwrap()
}

async fn old_events_go_once_they_are_read(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    for other in [&ben, &carl] {
        anna.follow(other).await;
        other.follow(&anna).await;
    }
    app.service("notifier", &["events"]).get("/v1/events?after=1").await.expect(200);
    app.stop_service();
    app.clock = Clock::fixed(Clock::system().now().after(11 * DAY));
    app.event_retention = Some(10 * DAY);
    app.start_service();
    app.until_ready().await;
    let feed = app.service("notifier", &["events"]);
    // Known from before the restart: what it has not read waits for it.
    feed.get("/v1/events?after=2").await.expect(200);
    until("two are gone", async || oldest(&feed).await == 3).await;
    feed.get("/v1/events?after=4").await.expect(200);
    until("all but the newest are gone", async || oldest(&feed).await == 4).await;
    let gone = feed.get("/v1/events?after=1").await.expect_problem(410, "events_expired");
    assert_eq!(gone.json()["oldest"], 4);
    let stream = feed.send(Method::GET, "/v1/events/stream", &[("last-event-id", "2")], Vec::new()).await;
    assert_eq!(stream.expect_problem(410, "events_expired").json()["oldest"], 4);
    assert_eq!(feed.get("/v1/events?after=3").await.expect(200).json()["items"][0]["seq"], 4);
    app.assert_sound().await;
}

/// More than two pages of everybody.
const MANY: usize = 1_100;

async fn who_comes_too_late_learns_everybody_afresh(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let crowd = app.crowd("person", MANY).await;
    let [anna, ben, dora, eve] = app.people(["anna", "ben", "dora", "eve"]).await;
    befriend(&anna, &ben).await;
    befriend(&anna, &dora).await;
    app.stop_service();
    // All of this happens unheard, and then the events of it are gone.
    app.users.change(ben.id, "user.privacy_changed", |facts| facts.private_account = true);
    app.users.change(crowd[700].id, "user.renamed", |facts| facts.username = "renamed".into());
    let carl = app.newcomer("carl");
    app.users.forget_person(dora.id);
    app.users.expire_events();
    app.users.revoke_session(eve.id, eve.session);
    app.start_service();
    app.until_ready().await;
    app.users.applied().await;
    let asked = app.users.questions().len();
    let caller = |person: &Person| app.nobody.with_token(person.token.as_str());
    let act = async |person: &Person, target: &Person| {
        caller(person).put(&format!("/v1/me/following/{}", target.id)).await.expect(200).json()
    };
    assert_eq!(act(&carl, &ben).await["requested"], true, "who went private is private");
    assert_eq!(act(&carl, &crowd[700]).await["following"], true);
    assert_eq!(act(&anna, &carl).await["following"], true, "a newcomer is known");
    let path = format!("/v1/users/{}/following?expand=user", carl.id);
    let following = app.nobody.get(&path).await.expect(200).json();
    assert_eq!(following["items"][0]["user"]["username"], "renamed");
    // Who is told of no more is gone.
    let path = format!("/v1/me/relationships?ids={},{}", dora.id, ben.id);
    let items = caller(&anna).get(&path).await.expect(200).json()["items"].clone();
    assert!(items[0]["relationship"].is_null() && items[1]["relationship"]["friends"] == true, "{items}");
    let counts = app.nobody.get(&format!("/v1/users/{}/counts", anna.id)).await.expect(200).json();
    assert_eq!((&counts["following"], &counts["friends"]), (&2.into(), &1.into()));
    // What came after the events that are gone was heard.
    caller(&eve).get("/v1/me/blocks").await.expect_problem(401, "unauthenticated");
    assert_eq!(app.users.questions().len(), asked + 1, "nobody had to be asked about but who is gone");
    until("sound", async || app.is_sound().await).await;
    // And the feed goes on.
    app.set_private(&carl, true).await;
    assert_eq!(act(&crowd[0], &carl).await["requested"], true);
}

shared::on_both_databases!(old_events_go_once_they_are_read, who_comes_too_late_learns_everybody_afresh);
