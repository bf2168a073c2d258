use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::on_both_databases;

use crate::test_app::{Make, TestApp, held_clock};

on_both_databases!(
    a_token_is_for_one_use,
    within_the_grace_the_same_successor_is_answered,
    older_reuse_ends_the_session,
    many_at_once_get_one_successor,
    what_is_not_a_token_is_refused,
    an_unused_session_ends,
);

fn token(answer: &shared::testing::Answer) -> String {
    answer.json()["session"]["refresh_token"].as_str().unwrap().to_owned()
}

async fn a_token_is_for_one_use(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let next = app.refresh(ann.refresh_token()).await.expect(200);
    assert_eq!(next.header("cache-control"), "no-store");
    let body = next.json();
    assert_eq!(body["session"]["id"], ann.session["id"]);
    assert_ne!(token(&next), ann.refresh_token());
    let access = body["session"]["access_token"].as_str().unwrap();
    app.client.with_token(access).get("/v1/me").await.expect(200);
    // The access token of before stays valid until it expires.
    ann.client.get("/v1/me").await.expect(200);
    app.refresh(&token(&next)).await.expect(200);
}

async fn within_the_grace_the_same_successor_is_answered(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let ann = app.register("ann").await;
    let next = app.refresh(ann.refresh_token()).await.expect(200);
    app.settings.clock.advance(Duration::from_secs(9));
    let again = app.refresh(ann.refresh_token()).await.expect(200);
    assert_eq!(token(&again), token(&next));
    // A moment later than the bound: each commit is at least a microsecond after the one before.
    app.settings.clock.advance(Duration::from_millis(1_001));
    app.refresh(ann.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    app.refresh(&token(&next)).await.expect_problem(401, "invalid_refresh_token");
    ann.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
}

async fn older_reuse_ends_the_session(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let elsewhere = app.log_in("ann").await;
    let second = token(&app.refresh(ann.refresh_token()).await.expect(200));
    let third = token(&app.refresh(&second).await.expect(200));
    app.refresh(ann.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    app.refresh(&third).await.expect_problem(401, "invalid_refresh_token");
    ann.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    elsewhere.client.get("/v1/me").await.expect(200);
    let events = app.events().await;
    let revoked: Vec<_> = events.iter().filter(|event| event["type"] == "session.revoked").collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0]["data"], json!({"session_id": ann.session_id()}));
}

async fn many_at_once_get_one_successor(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let answers = join_all((0..64).map(|_| app.refresh(ann.refresh_token()))).await;
    let tokens: HashSet<String> = answers.into_iter().map(|answer| token(&answer.expect(200))).collect();
    assert_eq!(tokens.len(), 1);
    let successor = tokens.into_iter().next().unwrap();
    assert_ne!(successor, ann.refresh_token());
    app.refresh(&successor).await.expect(200);
    assert_eq!(app.events().await.len(), 1, "nothing but the registration");
}

async fn what_is_not_a_token_is_refused(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let bob = app.register("bob").await;
    let good = ann.refresh_token();
    let mixed = format!("{}{}", &bob.refresh_token()[..32], &good[32..]);
    let access = ann.session["access_token"].as_str().unwrap();
    for bad in ["", "x", &good[1..], &format!("{good}A"), &good.to_uppercase(), &mixed, access, "a\0b"] {
        app.refresh(bad).await.expect_problem(401, "invalid_refresh_token");
    }
    // A forged token ends nothing.
    app.refresh(good).await.expect(200);
}

async fn an_unused_session_ends(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let ann = app.register("ann").await;
    app.settings.clock.advance(Duration::from_secs(29 * 86_400));
    let next = app.refresh(ann.refresh_token()).await.expect(200);
    ann.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    // The log's time, by which it was used, may be a moment ahead of the clock.
    app.settings.clock.advance(Duration::from_secs(30 * 86_400 + 1));
    app.refresh(&token(&next)).await.expect_problem(401, "invalid_refresh_token");
}
