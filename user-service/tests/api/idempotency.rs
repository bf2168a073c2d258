use std::time::Duration;

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::clock::Micros;
use shared::db::audit::count;
use shared::id::UserId;
use shared::on_both_databases;
use shared::testing::Answer;
use user_service::domain::idempotency::KeyedRequest;
use user_service::store;
use user_service::store::idempotency::Made;

use crate::test_app::{Make, PASSWORD, Person, TestApp, held_clock};

on_both_databases!(
    the_same_request_is_answered_the_same,
    of_many_at_once_one_is_carried_out,
    another_body_is_refused,
    what_was_refused_may_be_tried_again,
    a_day_later_the_key_is_free,
    an_answer_outlives_what_became_of_the_account,
    a_login_is_answered_the_same_when_its_session_is_forgotten,
    keys_that_cannot_be_read,
    nothing_readable_is_stored_and_old_keys_go,
);

const KEY: &str = "5f0c2c1e-7d4b-4c3f-9b6e-0a8f8f6f2a11";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn body(name: &str) -> Value {
    json!({"username": name, "email": format!("{name}@example.com"), "password": PASSWORD, "display_name": "A"})
}

async fn register(app: &TestApp, key: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    app.client.send(Method::POST, "/v1/users", &headers, body.to_string().into_bytes()).await
}

async fn the_same_request_is_answered_the_same(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let first = register(&app, KEY, &body("ann")).await.expect(201);
    app.settings.clock.advance(Duration::from_secs(5));
    let again = register(&app, KEY, &body("ann")).await.expect(201);
    assert_eq!(again.json(), first.json());
    assert_eq!(again.header("cache-control"), "no-store");
    let ann = Person::from(&app.client, &again);
    ann.client.get("/v1/me").await.expect(200);
    app.refresh(ann.refresh_token()).await.expect(200);
    // The same words in another order are the same.
    let text = format!(
        r#" {{"password":"{PASSWORD}", "display_name":"A", "email":"ann@example.com", "username":"ann"}}"#
    );
    let headers = [("content-type", "application/json"), ("idempotency-key", KEY)];
    let again = app.client.send(Method::POST, "/v1/users", &headers, text.into_bytes()).await.expect(201);
    assert_eq!(again.json(), first.json());
    // Another key, or none, is another request.
    register(&app, "another", &body("ann")).await.expect_problem(409, "username_taken");
    app.post("/v1/users", &body("ann")).await.expect_problem(409, "username_taken");
    register(&app, "another", &body("bob")).await.expect(201);
    let kinds = app.events().await.iter().filter(|event| event["type"] == "user.registered").count();
    assert_eq!(kinds, 2);
    let app = app.restart().await;
    assert_eq!(register(&app, KEY, &body("ann")).await.expect(201).json(), first.json());
}

async fn of_many_at_once_one_is_carried_out(make: Make) {
    let app = TestApp::start(make);
    let ann = body("ann");
    let answers = join_all((0..12).map(|_| register(&app, KEY, &ann))).await;
    let answers: Vec<Value> = answers.into_iter().map(|answer| answer.expect(201).json()).collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(app.events().await.len(), 1);
    // Of different ones under one key, one is carried out.
    let bodies: Vec<Value> = (0..6).map(|number| body(&format!("n{number}"))).collect();
    let answers = join_all(bodies.iter().map(|body| register(&app, "other", body))).await;
    let made = answers.iter().filter(|answer| answer.status.as_u16() == 201).count();
    let refused = answers.iter().filter(|answer| answer.code() == "idempotency_key_reused").count();
    assert_eq!((made, refused), (1, 5));
}

async fn another_body_is_refused(make: Make) {
    let app = TestApp::start(make);
    register(&app, KEY, &body("ann")).await.expect(201);
    for (field, value) in [
        ("username", json!("bob")),
        ("username", json!("ANN")),
        ("email", json!("b@example.com")),
        ("password", json!("wet-Marble-37 field")),
        ("password", json!("short")),
        ("display_name", json!(null)),
        ("display_name", json!("")),
    ] {
        let mut other = body("ann");
        other[field] = value;
        register(&app, KEY, &other).await.expect_problem(422, "idempotency_key_reused");
    }
    register(&app, KEY, &json!({})).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(app.events().await.len(), 1);
}

async fn what_was_refused_may_be_tried_again(make: Make) {
    let app = TestApp::start(make);
    app.register("ann").await;
    register(&app, KEY, &json!({})).await.expect_problem(422, "validation_failed");
    register(&app, KEY, &body("ann")).await.expect_problem(409, "username_taken");
    register(&app, KEY, &body("bob")).await.expect(201);
    register(&app, KEY, &body("ann")).await.expect_problem(422, "idempotency_key_reused");
}

async fn a_day_later_the_key_is_free(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let first = register(&app, KEY, &body("ann")).await.expect(201);
    app.settings.clock.advance(DAY - Duration::from_secs(1));
    assert_eq!(register(&app, KEY, &body("ann")).await.expect(201).json(), first.json());
    app.settings.clock.advance(Duration::from_secs(2));
    register(&app, KEY, &body("ann")).await.expect_problem(409, "username_taken");
    register(&app, KEY, &body("bob")).await.expect(201);
    register(&app, KEY, &body("ann")).await.expect_problem(422, "idempotency_key_reused");
}

async fn an_answer_outlives_what_became_of_the_account(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let first = register(&app, KEY, &body("ann")).await.expect(201);
    let ann = Person::from(&app.client, &first);
    ann.client.json(Method::PATCH, "/v1/me", &json!({"bio": "b"})).await.expect(200);
    ann.client.json(Method::PUT, "/v1/me/username", &json!({"username": "zora"})).await.expect(200);
    app.refresh(ann.refresh_token()).await.expect(200);
    assert_eq!(register(&app, KEY, &body("ann")).await.expect(201).json(), first.json());
    // Tokens that have ended do not come back to life, however late they are answered again.
    ann.client.delete("/v1/me/sessions/current").await.expect(204);
    let again = register(&app, KEY, &body("ann")).await.expect(201);
    assert_eq!(again.json(), first.json());
    let dead = Person::from(&app.client, &again);
    dead.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    app.settings.clock.advance(Duration::from_secs(3_600));
    let dead = Person::from(&app.client, &register(&app, KEY, &body("ann")).await.expect(201));
    dead.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    app.refresh(dead.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    // Nor when the session is forgotten: by the next login, or by itself.
    app.log_in("zora").await;
    app.handle.do_due().await.unwrap();
    let forgotten = format!("SELECT 1 FROM sessions WHERE id = {}", ann.session_id());
    assert_eq!(count(&mut app.conn(), &forgotten).unwrap(), 0);
    app.settings.clock.advance(DAY - Duration::from_secs(3_602));
    let again = register(&app, KEY, &body("ann")).await.expect(201);
    assert_eq!(again.json(), first.json());
    app.refresh(dead.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
}

/// A login too: neither its answer nor the number of sessions changes for a day.
async fn a_login_is_answered_the_same_when_its_session_is_forgotten(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    app.register("ann").await;
    let body = json!({"login": "ann", "password": PASSWORD}).to_string().into_bytes();
    let headers = [("content-type", "application/json"), ("idempotency-key", KEY)];
    let log_in = || app.client.send(Method::POST, "/v1/sessions", &headers, body.clone());
    let first = log_in().await.expect(201);
    let ann = Person::from(&app.client, &first);
    ann.client.delete("/v1/me/sessions/current").await.expect(204);
    app.settings.clock.advance(Duration::from_secs(660));
    app.handle.do_due().await.unwrap();
    let sessions = || count(&mut app.conn(), "SELECT 1 FROM sessions").unwrap();
    assert_eq!(sessions(), 1, "that of the registration");
    assert_eq!(log_in().await.expect(201).json(), first.json());
    assert_eq!(sessions(), 1);
    app.refresh(ann.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    app.settings.clock.advance(DAY);
    assert_ne!(log_in().await.expect(201).json(), first.json());
}

async fn keys_that_cannot_be_read(make: Make) {
    let app = TestApp::start(make);
    for bad in ["", "a b", "a\tb", "\u{e9}", &"x".repeat(256)] {
        let answer = register(&app, bad, &body("ann")).await;
        answer.expect_problem(400, "invalid_idempotency_key");
    }
    assert!(app.events().await.is_empty());
    register(&app, &"x".repeat(255), &body("ann")).await.expect(201);
}

async fn nothing_readable_is_stored_and_old_keys_go(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    // The janitor finds nothing and sleeps.
    app.handle.do_due().await.unwrap();
    let mut conn = app.conn();
    let now = app.settings.clock.now();
    let over = Micros::new(now.get() - 1);
    let request = |number: i64| KeyedRequest { slot: format!("old {number}"), body_digest: String::new() };
    for number in 0..10 {
        let made = Made { user: UserId::new(number), id: number + 1, begun: None };
        store::idempotency::remember(&mut conn, &request(number), made, over).unwrap();
        let found = store::idempotency::answered(&mut conn, &request(number).slot, now).unwrap();
        assert_eq!(found, None, "its time is over");
        let before = Micros::new(over.get() - 1);
        let found = store::idempotency::answered(&mut conn, &request(number).slot, before).unwrap().unwrap();
        assert_eq!(found.made, made);
    }
    let mut rows = |condition: &str| {
        count(&mut conn, &format!("SELECT slot FROM idempotency_keys WHERE {condition}")).unwrap()
    };
    assert_eq!(rows("1 = 1"), 10);
    // A registration without a key neither adds nor removes; each with one removes a few.
    app.register("bob").await;
    assert_eq!(rows("1 = 1"), 10);
    register(&app, KEY, &body("ann")).await.expect(201);
    assert_eq!(rows("1 = 1"), 3);
    register(&app, "another", &body("carol")).await.expect(201);
    // 256 bits each, in base64url.
    assert_eq!((rows("1 = 1"), rows("LENGTH(slot) = 43 AND LENGTH(body_digest) = 43")), (2, 2));
    assert_eq!(rows(&format!("slot LIKE '%127.0.0.1%' OR slot LIKE '%{KEY}%'")), 0);
}
