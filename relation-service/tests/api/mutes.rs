//! R37 to R40: muting.

use std::time::Duration;

use actix_web::http::Method;
use relation_service::domain::Limits;
use serde_json::{Value, json};
use shared::clock::{Clock, Micros};
use shared::facts::AccountStatus;
use shared::testing::{Answer, TestDatabase};

use crate::events::{lines, read};
use crate::friends::befriend;
use crate::person::{Act, Person, comparable, ids};
use crate::test_app::{LIMITS, TestApp, all, within};

const MUTES: &str = "/v1/me/mutes";

async fn mute(me: &Person, them: &Person, options: Value) -> Answer {
    me.http.json(Method::PUT, &format!("{MUTES}/{}", them.id), &options).await
}

async fn muted(me: &Person) -> Vec<Value> {
    me.http.get(MUTES).await.expect(200).json()["items"].as_array().unwrap().clone()
}

async fn r37_a_mute_keeps_follows_and_counts_and_is_a_secret(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    befriend(&anna, &ben).await;
    let (theirs, counts) = (ben.relationship(&anna).await, anna.counts().await);
    assert!(anna.act(Act::Mute, &ben).await);
    assert!(!anna.act(Act::Mute, &ben).await, "again is no change");
    assert_eq!(anna.sees(&ben).await, "following followed_by friends muting mute_notifications");
    assert_eq!((ben.relationship(&anna).await, anna.counts().await), (theirs, counts));
    assert!(muted(&ben).await.is_empty());
    // R40: muted accounts stay in lists.
    assert_eq!(anna.walk(&anna.list("following"), 5).await, [ben.id]);
    anna.block(&ben).await;
    anna.act(Act::Unblock, &ben).await;
    assert_eq!(anna.sees(&ben).await, "muting mute_notifications", "a block ends follows alone");
    assert!(anna.act(Act::Unmute, &ben).await);
    assert!(!anna.act(Act::Unmute, &ben).await);
    assert_eq!(anna.sees(&ben).await, "");
    let feed = app.service("feed", &["events"]);
    let told = lines(&read(&feed, 2, 100).await);
    let of_mutes: Vec<String> = told.into_iter().filter(|line| line.starts_with("mute")).collect();
    let line = |kind: &str| format!("{kind} {} {}", anna.id, ben.id);
    assert_eq!(of_mutes, [line("mute.created"), line("mute.removed")]);
    app.assert_sound().await;
}

async fn r38_r39_a_repeat_replaces(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let first = mute(&anna, &ben, json!({"notifications": false, "duration_seconds": 3600})).await;
    let first = first.expect(200).json();
    assert_eq!((&first["muting"], &first["mute_notifications"]), (&true.into(), &false.into()));
    assert!(first["mute_expires_at"].is_string() && first["changed"] == true);
    let listed = muted(&anna).await;
    let row = json!({"user_id": ben.id, "since": listed[0]["since"], "expires_at": first["mute_expires_at"],
        "notifications": false});
    assert_eq!(listed, [row]);
    for options in [json!({}), json!({"duration_seconds": null, "notifications": null})] {
        let again = mute(&anna, &ben, options).await.expect(200).json();
        assert_eq!((&again["mute_notifications"], &again["mute_expires_at"]), (&true.into(), &Value::Null));
    }
    let row =
        json!({"user_id": ben.id, "since": listed[0]["since"], "expires_at": null, "notifications": true});
    assert_eq!(muted(&anna).await, [row], "since when does not move");
    let batch = format!("/v1/me/relationships?ids={},{}", anna.id, ben.id);
    let batch = anna.http.get(&batch).await.expect(200).json();
    assert_eq!(batch["items"][1]["relationship"], anna.relationship(&ben).await);
    let page = read(&app.service("feed", &["events"]), 0, 10).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2, "the third changed nothing");
    let data = json!({"expires_at": first["mute_expires_at"], "notifications": false});
    assert_eq!(page["items"][0]["data"], data);
}

async fn r39_a_mute_ends_by_itself(make: impl Fn() -> TestDatabase) {
    let app = TestApp::with_limits(make, Limits { mutes_max: 1, ..LIMITS }).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    mute(&anna, &ben, json!({"duration_seconds": 3})).await.expect(200);
    mute(&anna, &carl, json!({})).await.expect_problem(422, "mute_limit_reached");
    within(Duration::from_secs(8), "over", async || anna.sees(&ben).await.is_empty()).await;
    assert_eq!(anna.relationship(&ben).await["mute_expires_at"], Value::Null);
    assert!(muted(&anna).await.is_empty());
    let revision = app.revision().await;
    assert!(!anna.act(Act::Unmute, &ben).await, "there is none to end");
    assert_eq!(app.revision().await, revision);
    mute(&anna, &carl, json!({})).await.expect(200);
    mute(&anna, &ben, json!({})).await.expect_problem(422, "mute_limit_reached");
    assert!(!anna.act(Act::Mute, &carl).await, "again is no new one");
}

/// At the millisecond: the clock is the test's.
async fn r39_not_one_millisecond_longer(make: impl Fn() -> TestDatabase) {
    let clock = Clock::fixed(Micros::new(Clock::system().now().get() / 1_000 * 1_000));
    let app = TestApp::with_clock(make, LIMITS, clock.clone()).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let made = mute(&anna, &ben, json!({"duration_seconds": 60})).await.expect(200).json();
    clock.advance(Duration::from_millis(59_999));
    assert_eq!(anna.sees(&ben).await, "muting mute_notifications", "until {made}");
    assert_eq!(muted(&anna).await.len(), 1);
    clock.advance(Duration::from_millis(2));
    assert_eq!((anna.sees(&ben).await.as_str(), muted(&anna).await.len()), ("", 0), "until {made}");
}

async fn r40_muted_people_stay_in_lists_and_are_flagged(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    for other in [&ben, &carl] {
        befriend(&anna, other).await;
    }
    anna.act(Act::Mute, &ben).await;
    for list in ["followers", "following", "friends"] {
        let path = format!("{}?expand=user", anna.list(list));
        let flags = async |viewer: &Person| -> Vec<Value> {
            let body = viewer.http.get(&path).await.expect(200).json();
            body["items"].as_array().unwrap().iter().map(|item| item["user"]["muting"].clone()).collect()
        };
        assert_eq!(flags(&anna).await, [json!(false), json!(true)], "{list}");
        assert_eq!(flags(&carl).await, [json!(false), json!(false)], "{list}: whom others mute is not told");
    }
}

async fn mutes_are_listed_newest_first(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let others = app.crowd("other", 5).await;
    for other in &others {
        anna.act(Act::Mute, other).await;
    }
    let newest: Vec<&Person> = others.iter().rev().collect();
    for limit in [1, 2, 5, 100] {
        assert_eq!(anna.walk(MUTES, limit).await, ids(&newest));
    }
    app.set_status(&others[2], AccountStatus::Suspended).await;
    assert_eq!(anna.walk(MUTES, 1).await, ids(&[newest[0], newest[1], newest[3], newest[4]]));
    app.set_status(&others[2], AccountStatus::Active).await;
    assert_eq!(anna.walk(MUTES, 1).await, ids(&newest), "back as it was");
    let cursor = anna.http.get(&format!("{MUTES}?limit=1")).await.json()["next_cursor"].clone();
    let path = format!("/v1/me/blocks?cursor={}", cursor.as_str().unwrap());
    anna.http.get(&path).await.expect_problem(400, "invalid_cursor");
}

async fn who_cannot_be_muted(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, gone] = app.people(["anna", "ben", "gone"]).await;
    anna.try_act(Act::Mute, anna.id).await.expect_problem(422, "self_relation");
    ben.block(&anna).await;
    app.set_status(&gone, AccountStatus::Deactivated).await;
    let nobody = comparable(&anna.try_act(Act::Mute, 1).await.expect_problem(404, "user_not_found"));
    for id in [ben.id, gone.id] {
        assert_eq!(comparable(&anna.try_act(Act::Mute, id).await), nobody);
    }
    anna.block(&ben).await;
    assert!(anna.act(Act::Mute, &ben).await, "whom I block I know");
    for (body, status, code) in [
        (json!({"duration_seconds": 0}), 422, "validation_failed"),
        (json!({"duration_seconds": -5}), 422, "validation_failed"),
        (json!({"duration_seconds": i64::MAX}), 422, "validation_failed"),
        (json!({"duration_seconds": 1.5}), 400, "invalid_body"),
        (json!({"duration_seconds": "60"}), 400, "invalid_body"),
        (json!({"notifications": "yes"}), 400, "invalid_body"),
        (json!({"what": 1}), 400, "invalid_body"),
    ] {
        let answer = mute(&anna, &ben, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{body}");
    }
    app.nobody.get(MUTES).await.expect_problem(401, "unauthenticated");
}

async fn parallel_mutes_stop_at_the_limit(make: impl Fn() -> TestDatabase) {
    let app = TestApp::with_limits(make, Limits { mutes_max: 3, ..LIMITS }).await;
    let [anna] = app.people(["anna"]).await;
    let others = app.crowd("other", 12).await;
    let answers = all(others.iter().map(|other| anna.try_act(Act::Mute, other.id))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((done.len(), muted(&anna).await.len()), (3, 3));
    for answer in refused {
        answer.expect_problem(422, "mute_limit_reached");
    }
}

shared::on_both_databases!(
    r37_a_mute_keeps_follows_and_counts_and_is_a_secret,
    r38_r39_a_repeat_replaces,
    r39_a_mute_ends_by_itself,
    r39_not_one_millisecond_longer,
    r40_muted_people_stay_in_lists_and_are_flagged,
    mutes_are_listed_newest_first,
    who_cannot_be_muted,
    parallel_mutes_stop_at_the_limit,
);
