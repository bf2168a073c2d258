use std::time::Duration;

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::on_both_databases;
use shared::testing::Answer;
use user_service::config::Switch;
use user_service::domain::account::Status;
use user_service::store;

use crate::test_app::{Make, PASSWORD, TestApp, held_clock};

on_both_databases!(
    a_mailed_token_sets_a_new_password_and_ends_every_session,
    nobody_learns_whether_there_is_an_account,
    a_mail_goes_to_the_address_of_the_account_alone,
    only_one_text_is_an_address,
    a_token_is_void_once_used_replaced_or_expired,
    a_refused_password_leaves_the_token,
    of_many_uses_at_once_one_counts,
    who_may_not_sign_in_gets_no_token,
    many_requests_bring_few_mails,
    many_requests_at_once_are_one_or_a_few,
);

const ANN: &str = "mail.ann@example.com";
const NEW: &str = "wet-Marble-37 field";

async fn ask(app: &TestApp, email: &str) -> Answer {
    app.post("/v1/password-resets", &json!({"email": email})).await
}

async fn confirm(app: &TestApp, token: &str, new: &str) -> Answer {
    app.post("/v1/password-resets/confirm", &json!({"token": token, "new_password": new})).await
}

async fn mailed(app: &TestApp) -> String {
    ask(app, ANN).await.expect(202);
    app.mailed_token("password_reset", ANN).await
}

async fn a_mailed_token_sets_a_new_password_and_ends_every_session(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let phone = app.log_in("ann").await;
    let token = mailed(&app).await;
    app.log_in("ann").await.client.get("/v1/me").await.expect(200);
    assert!(confirm(&app, &token, NEW).await.expect(204).bytes.is_empty());
    for session in [&ann, &phone] {
        session.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
        app.refresh(session.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    }
    bob.client.get("/v1/me").await.expect(200);
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "invalid_credentials");
    app.try_log_in("ann", NEW).await.expect(201);
    let events = app.events().await;
    let ended: Vec<&Value> = events.iter().filter(|event| event["type"] == "session.revoked").collect();
    assert_eq!(ended.len(), 3, "{ended:?}");
    assert!(ended.iter().all(|event| event["subject_id"] == ann.id.as_str()));
    let told = app.letters_to("password_changed", ANN).await;
    assert_eq!(told.len(), 1);
    confirm(&app, &token, "dry-Marble-38 field").await.expect_problem(422, "invalid_token");
    // Nothing that opens anything is left in the tables.
    assert_eq!(app.outbox(), []);
}

async fn nobody_learns_whether_there_is_an_account(make: Make) {
    let app = TestApp::start(make);
    app.register("ann").await;
    let mut seen = Vec::new();
    for email in [ANN, "nobody@example.com", "no address at all", ""] {
        let answer = ask(&app, email).await.expect(202);
        let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        seen.push((answer.bytes, names));
    }
    assert!(seen.iter().all(|answer| *answer == seen[0]), "{seen:?}");
    let letters = app.letters().await;
    assert_eq!(letters.iter().filter(|letter| letter.kind == "password_reset").count(), 1);
    assert_eq!(letters.len(), 2);
}

/// Addresses that some rule of upper and lower case, of trimming or of looks takes for somebody else's.
async fn a_mail_goes_to_the_address_of_the_account_alone(make: Make) {
    let app = TestApp::start(make);
    let body = json!({"username": "mike", "email": "Mike.Kiss@example.com", "password": PASSWORD});
    app.post("/v1/users", &body).await.expect(201);
    for alike in [
        "m\u{131}ke.kiss@example.com",
        "M\u{130}KE.KISS@example.com",
        "mi\u{212a}e.kiss@example.com",
        "mike.\u{212a}iss@example.com",
        "mike.ki\u{df}@example.com",
        "mike.ki\u{17f}s@example.com",
        "\u{ff4d}ike.kiss@example.com",
        "mike.kiss@\u{435}xample.com",
        "mike.kiss@example\u{3002}com",
        "mike.kiss@xn--xample-9uf.com",
        "mike.kiss@example.com.",
        "mike.kiss+tag@example.com",
        " mike.kiss@example.com",
        "mike.kiss@example.com\n",
        "mike.kiss@example.com\u{0}",
        "mike.kiss@example.com,evil@example.net",
        "mike.kiss@example.com\r\nBcc: evil@example.net",
        "\"mike.kiss\"@example.com",
        "Mike <mike.kiss@example.com>",
        "mike.kiss%example.com@example.net",
    ] {
        ask(&app, alike).await.expect(202);
    }
    assert_eq!(app.letters().await.len(), 1, "the one on registering");
    ask(&app, "MIKE.kiss@EXAMPLE.com").await.expect(202);
    let letters = app.letters().await;
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[1].to, "Mike.Kiss@example.com", "as it stands in the account");
}

async fn only_one_text_is_an_address(make: Make) {
    let app = TestApp::start(make);
    app.register("ann").await;
    for body in [
        json!({"email": [ANN, "evil@example.net"]}),
        json!({"email": {"0": ANN}}),
        json!({"email": 1}),
        json!({"email": ANN, "to": "evil@example.net"}),
        json!([{"email": ANN}]),
        json!(ANN),
    ] {
        app.post("/v1/password-resets", &body).await.expect(400);
    }
    let doubled = format!(r#"{{"email":"{ANN}","email":"evil@example.net"}}"#).into_bytes();
    let json_type = [("content-type", "application/json")];
    app.client.send(Method::POST, "/v1/password-resets", &json_type, doubled).await.expect(400);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let sent = format!("email={ANN}&email=evil@example.net").into_bytes();
    app.client.send(Method::POST, "/v1/password-resets", &form, sent).await.expect(415);
    app.post("/v1/password-resets", &json!({})).await.expect_problem(422, "validation_failed");
    app.post("/v1/password-resets/confirm", &json!({})).await.expect_problem(422, "validation_failed");
    assert_eq!(app.letters().await.len(), 1);
}

async fn a_token_is_void_once_used_replaced_or_expired(make: Make) {
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| settings.clock = clock.clone());
    let ann = app.register("ann").await;
    let first = mailed(&app).await;
    let second = mailed(&app).await;
    assert_ne!(first, second);
    confirm(&app, &first, NEW).await.expect_problem(422, "invalid_token");
    let body = json!({"current_password": PASSWORD, "new_password": "old-Marble-36 field"});
    ann.client.json(Method::PUT, "/v1/me/password", &body).await.expect(204);
    confirm(&app, &second, NEW).await.expect_problem(422, "invalid_token");
    assert_eq!(app.letters_to("password_changed", ANN).await.len(), 1);
    let third = mailed(&app).await;
    clock.advance(Duration::from_secs(3_599));
    confirm(&app, &third, NEW).await.expect(204);
    let fourth = mailed(&app).await;
    clock.advance(Duration::from_secs(3_601));
    confirm(&app, &fourth, "dry-Marble-38 field").await.expect_problem(422, "invalid_token");
    app.try_log_in("ann", NEW).await.expect(201);
}

async fn a_refused_password_leaves_the_token(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let token = mailed(&app).await;
    for (new, code) in [
        ("short", "too_short"),
        ("password1", "too_common"),
        ("my ann is 77 blue", "contains_name"),
        ("x".repeat(257).as_str(), "too_long"),
    ] {
        let answer = confirm(&app, &token, new).await.expect_problem(422, "validation_failed").json();
        assert_eq!(
            (&answer["errors"][0]["field"], &answer["errors"][0]["code"]),
            (&json!("new_password"), &json!(code))
        );
    }
    // Who has no token does not learn what is a good password.
    confirm(&app, "x", "short").await.expect_problem(422, "invalid_token");
    ann.client.get("/v1/me").await.expect(200);
    confirm(&app, &token, NEW).await.expect(204);
}

async fn of_many_uses_at_once_one_counts(make: Make) {
    let app = TestApp::start(make);
    app.register("ann").await;
    let token = mailed(&app).await;
    let news: Vec<String> = (0..6).map(|number| format!("{NEW} {number}")).collect();
    let answers = join_all(news.iter().map(|new| confirm(&app, &token, new))).await;
    let won: Vec<&String> = news
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| answer.status.as_u16() == 204)
        .map(|(new, _)| new)
        .collect();
    assert_eq!(won.len(), 1);
    let lost = answers.iter().filter(|answer| answer.code() == "invalid_token").count();
    assert_eq!(lost, 5);
    app.try_log_in("ann", won[0]).await.expect(201);
}

async fn who_may_not_sign_in_gets_no_token(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let suspended = |status: Status| {
        let mut conn = app.conn();
        let mut user = store::user::user(&mut conn, ann.id.parse().unwrap()).unwrap().unwrap();
        user.status = status;
        store::user::update(&mut conn, &user).unwrap();
    };
    let token = mailed(&app).await;
    suspended(Status::Suspended);
    confirm(&app, &token, NEW).await.expect_problem(422, "invalid_token");
    ask(&app, ANN).await.expect(202);
    assert_eq!(app.letters_to("password_reset", ANN).await.len(), 1);
    // Who left may come back, and a reset is no coming back.
    suspended(Status::Deactivated);
    confirm(&app, &mailed(&app).await, NEW).await.expect(204);
    app.client.get(&format!("/v1/users/{}", ann.id)).await.expect(404);
    app.try_log_in("ann", NEW).await.expect(201);
    app.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200);
}

async fn many_requests_bring_few_mails(make: Make) {
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        settings.rate_limits = Switch::On;
        settings.limits.mails_per_hour = 3;
    });
    app.register("ann").await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        let answer = ask(&app, ANN).await.expect(202);
        answers.push(answer.bytes);
        app.letters().await;
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "no word about the limit");
    let letters = app.letters_to("password_reset", ANN).await;
    assert_eq!(letters.len(), 2, "with the one on registering, three");
    // What was one too many did not void the token that was mailed last.
    confirm(&app, &letters[1].token(), NEW).await.expect(204);
    clock.advance(Duration::from_secs(60 * 60));
    mailed(&app).await;
}

async fn many_requests_at_once_are_one_or_a_few(make: Make) {
    let app = TestApp::start(make);
    app.register("ann").await;
    let answers = join_all((0..40).map(|number| {
        let email = if number % 2 == 0 { ANN.to_owned() } else { format!("n{number}@example.com") };
        let app = &app;
        async move { ask(app, &email).await }
    }))
    .await;
    assert!(answers.iter().all(|answer| answer.status.as_u16() == 202));
    let letters = app.letters_to("password_reset", ANN).await;
    assert!((1..=20).contains(&letters.len()));
    // Of all those, the newest opens, once.
    let tokens: Vec<String> = letters.iter().map(|letter| letter.token()).collect();
    let opened = join_all(tokens.iter().map(|token| confirm(&app, token, NEW))).await;
    assert_eq!(opened.iter().filter(|answer| answer.status.as_u16() == 204).count(), 1);
}
