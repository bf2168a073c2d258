use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::clock::Micros;
use shared::db::Conn;
use shared::on_both_databases;
use shared::testing::Answer;
use user_service::store;

use crate::test_app::{Make, PASSWORD, Person, TestApp, held_clock};

on_both_databases!(
    a_password_renews_what_a_login_proved_and_a_refresh_does_not,
    wrong_and_unreadable_proofs_prove_nothing,
    a_session_that_has_ended_proves_nothing,
);

pub async fn step_up(person: &Person, password: &str) -> Answer {
    person.client.json(Method::POST, "/v1/me/step-up", &json!({"password": password})).await
}

fn proved_at(conn: &mut Conn, person: &Person) -> Micros {
    let (user, session) = (person.id.parse().unwrap(), person.session_id().parse().unwrap());
    store::session::session(conn, user, session).unwrap().unwrap().state.proved_at
}

fn until(answer: &Answer) -> Micros {
    serde_json::from_value(answer.json()["expires_at"].clone()).unwrap()
}

async fn a_password_renews_what_a_login_proved_and_a_refresh_does_not(make: Make) {
    let app = TestApp::start_with(make, |settings| {
        settings.clock = held_clock();
        settings.limits.step_up_life = std::time::Duration::from_secs(60);
    });
    let mut conn = app.conn();
    let ann = app.register("ann").await;
    let start = proved_at(&mut conn, &ann);
    assert!(app.settings.clock.now().since(start) < Duration::from_millis(1));
    app.settings.clock.advance(Duration::from_secs(90));
    app.refresh(ann.refresh_token()).await.expect(200);
    let phone = app.log_in("ann").await;
    assert_eq!(proved_at(&mut conn, &ann), start);
    let answer = step_up(&ann, PASSWORD).await.expect(200);
    let now = app.settings.clock.now();
    assert_eq!(until(&answer).as_millis(), now.as_millis() + 60_000);
    assert!(proved_at(&mut conn, &ann).get() - now.get() < 1_000);
    // Of this session alone.
    let other = proved_at(&mut conn, &phone);
    app.settings.clock.advance(Duration::from_secs(1));
    step_up(&ann, PASSWORD).await.expect(200);
    assert_eq!(proved_at(&mut conn, &phone), other);
    assert_eq!(app.events().await.len(), 1, "proving is no event");
}

async fn wrong_and_unreadable_proofs_prove_nothing(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let mut conn = app.conn();
    let ann = app.register("ann").await;
    let start = proved_at(&mut conn, &ann);
    app.settings.clock.advance(Duration::from_secs(60));
    for wrong in ["", "wrong password", "plum-Tractor-91 sky "] {
        step_up(&ann, wrong).await.expect_problem(403, "wrong_password");
    }
    let send = async |body: Value| ann.client.json(Method::POST, "/v1/me/step-up", &body).await;
    send(json!({})).await.expect_problem(422, "validation_failed");
    send(json!({"password": null})).await.expect_problem(422, "validation_failed");
    send(json!({"password": 1})).await.expect_problem(400, "invalid_body");
    send(json!({"password": PASSWORD, "more": 1})).await.expect_problem(400, "invalid_body");
    ann.client.post("/v1/me/step-up").await.expect_problem(400, "malformed_json");
    app.client.post("/v1/me/step-up").await.expect_problem(401, "unauthenticated");
    assert_eq!(proved_at(&mut conn, &ann), start);
}

async fn a_session_that_has_ended_proves_nothing(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    ann.client.delete("/v1/me/sessions/current").await.expect(204);
    step_up(&ann, PASSWORD).await.expect_problem(401, "unauthenticated");
}
