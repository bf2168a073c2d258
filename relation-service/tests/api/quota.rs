//! How many follows one person may begin within 24 hours, and the limits of close friends and notes.

use std::time::Duration;

use actix_web::http::Method;
use relation_service::domain::{Limits, QUOTA_SPAN};
use serde_json::json;
use shared::clock::{Clock, Micros};
use shared::testing::{Answer, TestDatabase};

use crate::explain::explain;
use crate::person::{Act, Person};
use crate::test_app::{LIMITS, TestApp, all};

const THREE_A_DAY: Limits = Limits { follows_per_24h: 3, ..LIMITS };
const HOUR: Duration = Duration::from_secs(60 * 60);

async fn start(make: impl Fn() -> TestDatabase) -> TestApp {
    let clock = Clock::fixed(Micros::new(Clock::system().now().get()));
    TestApp::with_clock(make, THREE_A_DAY, clock).await
}

/// What an answer says of the limit.
fn limit_of(answer: &Answer) -> [&str; 3] {
    ["limit", "remaining", "reset"].map(|what| answer.header(&format!("x-ratelimit-{what}")))
}

async fn follows_tell_what_is_left(make: impl Fn() -> TestDatabase) {
    let app = start(make).await;
    let [me] = app.people(["me"]).await;
    let day = QUOTA_SPAN.as_secs().to_string();
    for (other, left) in app.crowd("other", 3).await.iter().zip(["2", "1", "0"]) {
        let answer = me.try_act(Act::Follow, other.id).await.expect(200);
        assert_eq!(limit_of(&answer), ["3", left, &day]);
    }
    let none = me.try_act(Act::Unfollow, me.id).await;
    assert_eq!(limit_of(&none), [""; 3]);
    let without = TestApp::start(TestDatabase::sqlite).await;
    let [anna, ben] = without.people(["anna", "ben"]).await;
    assert_eq!(limit_of(&anna.try_act(Act::Follow, ben.id).await.expect(200)), [""; 3]);
}

/// The wait that a refusal names, which is `expected` up to the ticks of the log.
#[track_caller]
fn waits(answer: Answer, expected: Duration) -> Duration {
    let refused = answer.expect_problem(429, "follow_quota_exceeded");
    assert_eq!(limit_of(&refused), ["3", "0", refused.header("retry-after")]);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!(wait.abs_diff(expected.as_secs()) <= 1, "{wait} s, not {expected:?}");
    Duration::from_secs(wait)
}

async fn the_quota_rolls_and_counts_beginnings(make: impl Fn() -> TestDatabase) {
    let app = start(make).await;
    let [me, private] = app.people(["me", "private"]).await;
    let others = app.crowd("other", 6).await;
    app.set_private(&private, true).await;
    assert!(me.follow(&others[0]).await);
    app.clock.advance(HOUR);
    let me = app.again(&me);
    assert!(me.follow(&private).await, "a request counts");
    for _ in 0..3 {
        assert!(!me.follow(&others[0]).await && !me.follow(&private).await, "again is no beginning");
    }
    me.try_act(Act::Follow, 1).await.expect_problem(404, "user_not_found");
    me.act(Act::Unfollow, &others[0]).await;
    assert!(me.follow(&others[0]).await, "a third beginning");
    me.act(Act::Unfollow, &others[0]).await;
    let wait = waits(me.try_act(Act::Follow, others[1].id).await, QUOTA_SPAN - HOUR);
    assert!(!me.follow(&private).await, "what is begun goes on");
    assert!(app.again(&others[1]).follow(&me).await, "the quota is one's own");
    let soon = Duration::from_secs(2);
    app.clock.advance(wait - soon);
    let me = app.again(&me);
    let rest = waits(me.try_act(Act::Follow, others[1].id).await, soon);
    app.clock.advance(rest);
    assert!(me.follow(&others[1]).await, "the first fell out");
    waits(me.try_act(Act::Follow, others[2].id).await, HOUR);
    app.clock.advance(QUOTA_SPAN);
    let me = app.again(&me);
    for other in &others[2..5] {
        assert!(me.follow(other).await);
    }
    waits(me.try_act(Act::Follow, others[5].id).await, QUOTA_SPAN);
    app.assert_sound().await;
}

async fn batches_explain_and_checks_agree(make: impl Fn() -> TestDatabase) {
    let app = start(make).await;
    let [me] = app.people(["me"]).await;
    let others = app.crowd("other", 5).await;
    let service = app.service("gateway", &["visibility"]);
    let may = async |other: &Person| {
        let check = json!({"viewer_id": me.id, "owner_id": other.id, "action": "follow"});
        let answer = service.json(Method::POST, "/v1/visibility", &json!({"checks": [check]})).await;
        answer.expect(200).json()["items"][0].clone()
    };
    assert_eq!(may(&others[4]).await, json!({"allow": true, "reason": null}));
    let ids: Vec<String> = others.iter().map(|other| other.id.to_string()).collect();
    let answer = me.http.json(Method::POST, "/v1/me/following/batch", &json!({"user_ids": ids})).await;
    let body = answer.expect(200).json();
    let items = body["items"].as_array().unwrap();
    let (done, refused): (Vec<_>, Vec<_>) = items.iter().partition(|item| item["outcome"] == "followed");
    assert_eq!((done.len(), refused.len()), (3, 2));
    assert!(refused.iter().all(|item| item["code"] == "follow_quota_exceeded"), "{body}");
    for (other, item) in others.iter().zip(items) {
        let (explained, checked) = (explain(&me, Act::Follow, other.id).await, may(other).await);
        if item["outcome"] == "followed" {
            assert_eq!((&explained["outcome"], &checked["allow"]), (&json!("unchanged"), &json!(true)));
        } else {
            assert_eq!(explained["code"], "follow_quota_exceeded");
            assert_eq!(checked, json!({"allow": false, "reason": "follow_quota_exceeded"}));
        }
    }
}

async fn parallel_follows_stop_at_the_quota_and_a_restart_forgets_nothing(make: impl Fn() -> TestDatabase) {
    let mut app = start(make).await;
    let [me] = app.people(["me"]).await;
    let others = app.crowd("other", 20).await;
    let answers = all(others.iter().map(|other| me.try_act(Act::Follow, other.id))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 3);
    assert_eq!(me.counts().await, [0, 3, 0, 0, 0]);
    app.stop_service();
    app.start_service();
    app.until_ready().await;
    let me = app.again(&me);
    let [late] = app.people(["late"]).await;
    waits(me.try_act(Act::Follow, late.id).await, QUOTA_SPAN);
}

async fn accepting_is_nobodys_beginning(make: impl Fn() -> TestDatabase) {
    let app = start(make).await;
    let [me] = app.people(["me"]).await;
    app.set_private(&me, true).await;
    for fan in app.crowd("fan", 5).await {
        fan.follow(&me).await;
        assert!(me.act(Act::Accept, &fan).await);
    }
    for idol in app.crowd("idol", 3).await {
        assert!(me.follow(&idol).await);
    }
}

async fn close_friends_and_notes_have_limits(make: impl Fn() -> TestDatabase) {
    let few = Limits { close_friends_max: 2, notes_max: 2, note_chars_max: 5, ..LIMITS };
    let app = TestApp::with_limits(make, few).await;
    let [me] = app.people(["me"]).await;
    let fans = app.crowd("fan", 3).await;
    for fan in &fans {
        fan.follow(&me).await;
    }
    let mark = async |fan: &Person| me.http.put(&format!("/v1/me/close-friends/{}", fan.id)).await;
    let note = async |fan: &Person, text: &str| {
        me.http.json(Method::PUT, &format!("/v1/me/notes/{}", fan.id), &json!({"note": text})).await
    };
    for fan in &fans[..2] {
        mark(fan).await.expect(200);
        note(fan, "12345").await.expect(200);
    }
    mark(&fans[2]).await.expect_problem(422, "close_friend_limit_reached");
    mark(&fans[0]).await.expect(200);
    note(&fans[2], "x").await.expect_problem(422, "note_limit_reached");
    note(&fans[2], "").await.expect(200);
    note(&fans[0], "other").await.expect(200);
    let refused = note(&fans[0], "123456").await.expect_problem(422, "validation_failed");
    assert_eq!(refused.json()["errors"][0]["code"], "too_long");
    note(&fans[0], "").await.expect(200);
    note(&fans[2], "x").await.expect(200);
    fans[1].act(Act::Unfollow, &me).await;
    mark(&fans[2]).await.expect(200);
}

shared::on_both_databases!(
    follows_tell_what_is_left,
    the_quota_rolls_and_counts_beginnings,
    batches_explain_and_checks_agree,
    parallel_follows_stop_at_the_quota_and_a_restart_forgets_nothing,
    accepting_is_nobodys_beginning,
    close_friends_and_notes_have_limits,
);
