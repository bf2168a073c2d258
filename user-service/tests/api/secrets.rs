//! What the running program says and keeps: no secret, no address; and what it remembers of sessions through a crash.

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::on_both_databases;
use shared::testing::{Answer, residue};

use crate::post::until;
use crate::program::{Ground, Program, contents};
use crate::test_app::{Make, Person};

on_both_databases!(
    no_secret_is_logged_or_stored,
    addresses_are_in_no_log,
    a_revoked_session_stays_revoked_through_a_crash,
    a_proxy_that_is_not_trusted_is_told_of_once,
);

/// Marked, so that they are found wherever they are.
const PASSWORD: &str = "canary-Plum-Tractor-91";
const NEW_PASSWORD: &str = "canary-wet-Marble-37";
const WRONG: &str = "canary-not-the-password";

async fn post(program: &Program, path: &str, body: &Value) -> Answer {
    program.client.json(Method::POST, path, body).await
}

async fn register(program: &Program, email: &str) -> Person {
    let body = json!({"username": "ann", "email": email, "password": PASSWORD});
    Person::from(&program.client, &post(program, "/v1/users", &body).await.expect(201))
}

/// The token of the mail of this kind, once that is there.
async fn token(ground: &Ground, words: &str) -> String {
    let mails = ground.mails();
    until("the mail", || contents(&mails).contains(words)).await;
    let all = contents(&mails);
    let (_, mail) = all.split_once(words).unwrap();
    mail.lines().find_map(|line| line.strip_prefix("token: ")).unwrap().trim().to_owned()
}

/// K1: passwords, tokens and codes go through every route that takes them, and leave no trace.
async fn no_secret_is_logged_or_stored(make: Make) {
    let ground = Ground::new(make());
    let program = ground.start(&["--rate-limits", "off"]);
    let ann = register(&program, "ann@example.com").await;
    let mut secrets: Vec<String> = [PASSWORD, NEW_PASSWORD, WRONG].map(str::to_owned).into();
    let mut session = |body: &Value| {
        let session = if body["session"].is_null() { body } else { &body["session"] };
        for name in ["access_token", "refresh_token"] {
            secrets.push(session[name].as_str().unwrap().to_owned());
        }
    };
    session(&ann.session);
    for (login, status) in [("ann", 201), ("nobody", 401)] {
        let body = json!({"login": login, "password": PASSWORD});
        let answer = post(&program, "/v1/sessions", &body).await.expect(status);
        if status == 201 {
            session(&answer.json()["session"]);
        }
    }
    post(&program, "/v1/sessions", &json!({"login": "ann", "password": WRONG})).await.expect(401);
    let body = json!({"refresh_token": ann.refresh_token()});
    session(&post(&program, "/v1/sessions/refresh", &body).await.expect(200).json()["session"]);
    let change = json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD});
    ann.client.json(Method::PUT, "/v1/me/password", &change).await.expect(204);
    ann.client.json(Method::POST, "/v1/me/step-up", &json!({"password": WRONG})).await.expect(403);
    let two_factor = ann.client.json(Method::POST, "/v1/me/two-factor", &json!({})).await.expect(201).json();
    secrets.push(two_factor["secret"].as_str().unwrap().to_owned());
    post(&program, "/v1/password-resets", &json!({"email": "ann@example.com"})).await.expect(202);
    secrets.push(token(&ground, "Subject: Confirm your e-mail address").await);
    let reset = token(&ground, "Subject: Set a new password").await;
    secrets.push(reset.clone());
    let body = json!({"token": reset, "new_password": PASSWORD});
    post(&program, "/v1/password-resets/confirm", &body).await.expect(204);
    post(&program, "/v1/password-resets/confirm", &body).await.expect(422);
    // Also what cannot be read, or is not taken.
    let broken = format!(r#"{{"login": "ann", "password": "{WRONG}"#).into_bytes();
    let headers = [("content-type", "application/json"), ("authorization", "Bearer canary-not-a-token")];
    program.client.send(Method::POST, "/v1/sessions", &headers, broken).await.expect(400);
    secrets.push("canary-not-a-token".to_owned());
    program.client.get("/v1/users/search?q=a&password=canary-in-a-query").await.expect(400);
    for name in ["signing-key", "refresh-key", "service-secret"] {
        secrets.push(std::fs::read_to_string(ground.dir.path().join(name)).unwrap().trim().to_owned());
    }
    let log = program.log();
    assert!(log.contains("/v1/sessions/refresh 200"), "the log is as talkative as can be");
    for secret in &secrets {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    drop(program);
    assert_eq!(residue(&ground.database.url, &[], &secrets), Vec::<String>::new());
}

async fn addresses_are_in_no_log(make: Make) {
    let ground = Ground::new(make());
    // Nobody listens there: each try fails, and is logged.
    let flags = ["--smtp-url", "smtp://127.0.0.1:1", "--mail-from", "mutual@example.com"];
    let program = ground.start(&flags);
    register(&program, "canary.Ann@example.com").await;
    post(&program, "/v1/password-resets", &json!({"email": "canary.ann@example.com"})).await.expect(202);
    post(&program, "/v1/password-resets", &json!({"email": "canary.nobody@example.com"})).await.expect(202);
    post(&program, "/v1/sessions", &json!({"login": "canary.ann@example.com", "password": WRONG}))
        .await
        .expect(401);
    until("a failed try", || program.log().contains("was not sent, try 1")).await;
    assert!(!program.log().to_lowercase().contains("canary."), "{}", program.log());
    drop(program);
    // Into files, the log shows where each mail is.
    let ground = Ground::new(make());
    let program = ground.start(&[]);
    register(&program, "canary.Ann@example.com").await;
    until("a mail", || program.log().contains(".eml")).await;
    assert!(!program.log().to_lowercase().contains("canary."), "{}", program.log());
}

async fn a_revoked_session_stays_revoked_through_a_crash(make: Make) {
    let ground = Ground::new(make());
    let program = ground.start(&["--rate-limits", "off"]);
    let ann = register(&program, "ann@example.com").await;
    ann.client.delete("/v1/me/sessions/current").await.expect(204);
    program.crash();
    let program = ground.start(&["--rate-limits", "off"]);
    let again = program.client.with_token(ann.access_token());
    again.get("/v1/me").await.expect_problem(401, "unauthenticated");
    let body = json!({"refresh_token": ann.refresh_token()});
    post(&program, "/v1/sessions/refresh", &body).await.expect_problem(401, "invalid_refresh_token");
}

async fn a_proxy_that_is_not_trusted_is_told_of_once(make: Make) {
    let told = "is not in --trusted-proxies";
    let ground = Ground::new(make());
    let log_in = async |program: &Program, header: &str| {
        let headers = [("content-type", "application/json"), (header, "for=198.51.100.1")];
        let body = json!({"login": "nobody", "password": WRONG}).to_string().into_bytes();
        program.client.send(Method::POST, "/v1/sessions", &headers, body).await.expect(401);
    };
    let program = ground.start(&[]);
    log_in(&program, "x-other").await;
    assert!(!program.log().contains(told));
    for header in ["x-forwarded-for", "forwarded", "x-forwarded-for"] {
        log_in(&program, header).await;
    }
    until("the warning", || program.log().contains(told)).await;
    assert_eq!(program.log().matches(told).count(), 1);
    assert!(program.log().contains("127.0.0.1 forwards requests"));
    program.crash();
    let program = ground.start(&["--trusted-proxies", "127.0.0.0/8"]);
    log_in(&program, "forwarded").await;
    // Whatever follows is in the log, too.
    log_in(&program, "x-other").await;
    assert!(!program.log().contains(told));
}
