use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::on_both_databases;
use shared::testing::Answer;

use crate::test_app::{Make, PASSWORD, Person, TestApp};
use crate::two_factor::{STEP, code, enable, log_in, start, wrong_code};

on_both_databases!(
    a_login_asks_for_a_code_after_the_right_password_only,
    each_code_opens_one_session,
    of_many_at_once_with_one_code_one_is_let_in,
    a_closed_account_opens_with_a_code_only,
    a_named_login_is_answered_the_same,
    a_named_login_that_fails_leaves_no_trace,
    of_many_named_logins_at_once_one_is_carried_out,
);

async fn a_login_asks_for_a_code_after_the_right_password_only(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    let right = code(&app, &ann.app);
    for (login, password) in [("ann", "wrong password"), ("nobody", PASSWORD)] {
        for code in [None, Some(""), Some(right.as_str()), Some("000000"), Some("x")] {
            let body = json!({"login": login, "password": password, "code": code});
            app.post("/v1/sessions", &body).await.expect_problem(401, "invalid_credentials");
        }
    }
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "two_factor_required");
    log_in(&app, "ann", "").await.expect_problem(401, "two_factor_required");
    log_in(&app, "ann", &wrong_code(&app, &ann.app)).await.expect_problem(401, "invalid_code");
    let answer = log_in(&app, "mail.ann@example.com", &format!(" {} {} ", &right[..3], &right[3..])).await;
    let again = Person::from(&app.client, &answer.expect(201));
    again.client.get("/v1/me").await.expect(200);
    // Who has no second factor is not asked.
    app.register("bob").await;
    app.log_in("bob").await;
    log_in(&app, "bob", "x").await.expect(201);
    let body = json!({"login": "bob", "password": PASSWORD, "code": 123_456});
    app.post("/v1/sessions", &body).await.expect_problem(400, "invalid_body");
}

async fn each_code_opens_one_session(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    // The code that confirmed is a step old, and used.
    app.settings.clock.advance(STEP);
    let early = code(&app, &ann.app);
    app.settings.clock.advance(STEP);
    let now = code(&app, &ann.app);
    log_in(&app, "ann", &early).await.expect(201);
    log_in(&app, "ann", &early).await.expect_problem(401, "invalid_code");
    log_in(&app, "ann", &now).await.expect(201);
    for used in [&now, &early] {
        log_in(&app, "ann", used).await.expect_problem(401, "invalid_code");
    }
    app.settings.clock.advance(STEP);
    log_in(&app, "ann", &now).await.expect_problem(401, "invalid_code");
    // Of a clock that is ahead.
    app.settings.clock.advance(STEP);
    let now = code(&app, &ann.app);
    let secs = u64::try_from(app.settings.clock.now().as_secs()).unwrap();
    let [ahead, far] = [30, 60].map(|later| ann.app.generate(secs + later).to_string());
    log_in(&app, "ann", &far).await.expect_problem(401, "invalid_code");
    log_in(&app, "ann", &ahead).await.expect(201);
    log_in(&app, "ann", &now).await.expect_problem(401, "invalid_code");
}

async fn of_many_at_once_with_one_code_one_is_let_in(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    for shown in [code(&app, &ann.app), ann.recovery_codes[3].clone()] {
        let answers = join_all((0..20).map(|_| log_in(&app, "ann", &shown))).await;
        let opened = answers.iter().filter(|answer| answer.status.as_u16() == 201).count();
        let refused = answers.iter().filter(|answer| answer.code() == "invalid_code").count();
        let waiting = answers.iter().filter(|answer| answer.code() == "rate_limited").count();
        assert_eq!((opened, refused + waiting), (1, 19), "{shown}");
        // Pressing the button twice is no guess.
        assert!(waiting == 0 || shown == ann.recovery_codes[3]);
    }
}

async fn a_closed_account_opens_with_a_code_only(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    let close = json!({"password": PASSWORD});
    ann.person.client.json(Method::POST, "/v1/me/deactivation", &close).await.expect(202);
    let path = format!("/v1/users/{}", ann.person.id);
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "two_factor_required");
    log_in(&app, "ann", &wrong_code(&app, &ann.app)).await.expect_problem(401, "invalid_code");
    app.client.get(&path).await.expect_problem(404, "user_not_found");
    log_in(&app, "ann", &code(&app, &ann.app)).await.expect(201);
    app.client.get(&path).await.expect(200);
}

async fn named(app: &TestApp, key: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    app.client.send(Method::POST, "/v1/sessions", &headers, body.to_string().into_bytes()).await
}

async fn a_named_login_is_answered_the_same(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    let body =
        |code: &str| json!({"login": "ann", "password": PASSWORD, "code": code, "device_name": "phone"});
    let shown = code(&app, &ann.app);
    let first = named(&app, "k", &body(&shown)).await.expect(201);
    // The code is used, and the answer comes again all the same.
    app.settings.clock.advance(STEP * 4);
    assert_eq!(named(&app, "k", &body(&shown)).await.expect(201).json(), first.json());
    let phone = Person::from(&app.client, &first);
    assert_eq!(phone.client.get("/v1/me/sessions").await.json()["items"].as_array().unwrap().len(), 2);
    log_in(&app, "ann", &shown).await.expect_problem(401, "invalid_code");
    for (field, value) in [
        ("code", json!("000000")),
        ("password", json!("wrong")),
        ("device_name", json!("x")),
        ("login", json!("bob")),
    ] {
        let mut other = body(&shown);
        other[field] = value;
        named(&app, "k", &other).await.expect_problem(422, "idempotency_key_reused");
    }
    // The same key with a registration is another request.
    let newcomer = json!({"username": "bob", "email": "bob@example.com", "password": PASSWORD});
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    let text = newcomer.to_string().into_bytes();
    app.client.send(Method::POST, "/v1/users", &headers, text).await.expect(201);
    // A session that has ended does not come back to life.
    phone.client.delete("/v1/me/sessions/current").await.expect(204);
    let dead = Person::from(&app.client, &named(&app, "k", &body(&shown)).await.expect(201));
    dead.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    app.settings.clock.advance(std::time::Duration::from_secs(24 * 60 * 60));
    named(&app, "k", &body(&shown)).await.expect_problem(401, "invalid_code");
}

async fn a_named_login_that_fails_leaves_no_trace(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    let body = |password: &str, code: &str| json!({"login": "ann", "password": password, "code": code});
    named(&app, "k", &json!({})).await.expect_problem(422, "validation_failed");
    named(&app, "k", &body("wrong", "")).await.expect_problem(401, "invalid_credentials");
    named(&app, "k", &body(PASSWORD, "")).await.expect_problem(401, "two_factor_required");
    let wrong = wrong_code(&app, &ann.app);
    named(&app, "k", &body(PASSWORD, &wrong)).await.expect_problem(401, "invalid_code");
    named(&app, "k", &body(PASSWORD, &code(&app, &ann.app))).await.expect(201);
    named(&app, "k", &body(PASSWORD, &wrong)).await.expect_problem(422, "idempotency_key_reused");
    named(&app, "a b", &body(PASSWORD, &wrong)).await.expect_problem(400, "invalid_idempotency_key");
}

async fn of_many_named_logins_at_once_one_is_carried_out(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    let body = json!({"login": "ann", "password": PASSWORD, "code": code(&app, &ann.app)});
    let answers = join_all((0..12).map(|_| named(&app, "k", &body))).await;
    let answers: Vec<Value> = answers.into_iter().map(|answer| answer.expect(201).json()).collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let sessions = ann.person.client.get("/v1/me/sessions").await.json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 2);
}
