use std::collections::HashSet;
use std::time::Duration;

use actix_web::rt::time::timeout;
use futures_util::future::join_all;
use serde_json::json;
use shared::db::{begin_write, end_write, execute};
use shared::on_both_databases;
use shared::testing::Answer;
use user_service::config::Switch;

use crate::test_app::{Make, TestApp, held_clock};

on_both_databases!(
    a_token_is_for_one_use,
    within_the_grace_the_same_successor_is_answered,
    older_reuse_ends_the_session,
    many_at_once_get_one_successor,
    what_is_not_a_token_is_refused,
    an_unused_session_ends,
    a_forged_token_does_not_reach_the_writer,
    a_network_whose_tokens_are_refused_waits,
);

fn token(answer: &Answer) -> String {
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
    assert_eq!(again.json(), next.json(), "the access token, too");
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

/// The writer is held up by somebody who has its lock: who is refused does not wait for it.
async fn a_forged_token_does_not_reach_the_writer(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let ended = app.log_in("ann").await;
    ended.client.delete("/v1/me/sessions/current").await.expect(204);
    let forged = format!("{}{}", &ann.refresh_token()[..32], &bob.refresh_token()[32..]);
    let mut conn = app.conn();
    begin_write(&mut conn).unwrap();
    execute(&mut conn, "UPDATE log_head SET seq = seq", &[]).unwrap();
    for refused in [forged.as_str(), ended.refresh_token()] {
        let answer = timeout(Duration::from_secs(2), app.refresh(refused)).await;
        answer.expect("an answer at once").expect_problem(401, "invalid_refresh_token");
    }
    end_write(&mut conn, false).unwrap();
    app.refresh(ann.refresh_token()).await.expect(200);
}

async fn a_network_whose_tokens_are_refused_waits(make: Make) {
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.rate_limits = Switch::On;
        settings.limits.failed_refreshes_per_15_min = 3;
        settings.clock = clock.clone();
    });
    let ann = app.register("ann").await;
    let limit = |answer: &Answer| {
        ["limit", "remaining", "reset"].map(|name| answer.header(&format!("x-ratelimit-{name}")).to_owned())
    };
    // What is good does not count.
    let mut good = ann.refresh_token().to_owned();
    for _ in 0..5 {
        let answer = app.refresh(&good).await.expect(200);
        assert_eq!(limit(&answer), ["3", "3", "900"]);
        good = token(&answer);
    }
    for left in ["2", "1", "0"] {
        let refused = app.refresh("x").await.expect_problem(401, "invalid_refresh_token");
        assert_eq!(limit(&refused), ["3", left, "900"]);
    }
    clock.advance(Duration::from_secs(60));
    let waits = app.refresh("x").await.expect_problem(429, "rate_limited");
    let told = ["3", "0", "840"].map(str::to_owned);
    assert_eq!((limit(&waits), waits.header("retry-after")), (told.clone(), "840"));
    // Who has a good one is not kept out by a stranger on the same network.
    let answer = app.refresh(&good).await.expect(200);
    assert_eq!(limit(&answer), told);
    clock.advance(Duration::from_secs(840));
    app.refresh("x").await.expect_problem(401, "invalid_refresh_token");
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
