use std::time::Duration;

use actix_web::http::Method;
use serde_json::json;
use shared::on_both_databases;
use shared::testing::{Answer, TestDatabase};
use user_service::app::App;

use crate::test_app::{Make, Person, TestApp, held_clock};

on_both_databases!(
    sessions_end_when_the_settings_say,
    names_change_and_are_kept_as_the_settings_say,
    keys_are_remembered_as_long_as_the_settings_say,
);

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Short enough for three of them in the life of an access token.
const STEP: Duration = Duration::from_secs(2 * 60);
/// The log's time runs a little ahead of a clock that stands still.
const MOMENT: Duration = Duration::from_secs(1);

async fn rename(person: &Person, name: &str) -> Answer {
    person.client.json(Method::PUT, "/v1/me/username", &json!({"username": name})).await
}

async fn sessions_end_when_the_settings_say(make: Make) {
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.limits.session_idle_life = 2 * HOUR;
        settings.limits.session_absolute_life = 5 * HOUR;
        settings.limits.refresh_grace = Duration::ZERO;
        settings.clock = clock.clone();
    });
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let mut token = ann.refresh_token().to_owned();
    for _ in 0..4 {
        clock.advance(HOUR);
        let answer = app.refresh(&token).await.expect(200);
        token = answer.json()["session"]["refresh_token"].as_str().unwrap().to_owned();
    }
    app.refresh(bob.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    clock.advance(HOUR);
    app.refresh(&token).await.expect_problem(401, "invalid_refresh_token");
    // Without grace, the token before is reuse at once.
    let eve = app.register("eve").await;
    let next = app.refresh(eve.refresh_token()).await.expect(200).json();
    app.refresh(eve.refresh_token()).await.expect(401);
    app.refresh(next["session"]["refresh_token"].as_str().unwrap()).await.expect(401);
}

async fn names_change_and_are_kept_as_the_settings_say(make: Make) {
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.limits.rename_interval = STEP;
        settings.limits.name_quarantine = 3 * STEP;
        settings.clock = clock.clone();
    });
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    rename(&ann, "carol").await.expect(200);
    rename(&ann, "dora").await.expect_problem(409, "renamed_recently");
    clock.advance(STEP + MOMENT);
    rename(&ann, "dora").await.expect(200);
    clock.advance(STEP + MOMENT);
    rename(&bob, "ann").await.expect_problem(409, "username_taken");
    clock.advance(STEP + MOMENT);
    rename(&bob, "ann").await.expect(200);
}

async fn keys_are_remembered_as_long_as_the_settings_say(make: Make) {
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.limits.idempotency_life = HOUR;
        settings.clock = clock.clone();
    });
    let register = || async {
        let body = json!({"username": "ann", "email": "ann@example.com", "password": "plum-Tractor-91 sky"});
        let headers = [("content-type", "application/json"), ("idempotency-key", "one")];
        app.client.send(Method::POST, "/v1/users", &headers, body.to_string().into_bytes()).await
    };
    register().await.expect(201);
    register().await.expect(201);
    clock.advance(HOUR);
    register().await.expect_problem(409, "username_taken");
}

#[actix_web::test]
async fn settings_that_contradict_each_other_stop_the_start() {
    let app = TestApp::start(TestDatabase::sqlite);
    let mut settings = app.settings.clone();
    settings.limits.rename_interval = settings.limits.name_quarantine + HOUR;
    let refused = App::start(settings).err().unwrap().to_string();
    assert!(refused.contains("--rename-interval"), "{refused}");
}
