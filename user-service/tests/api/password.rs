use actix_web::http::Method;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::id::SessionId;
use shared::on_both_databases;
use shared::secret::Secret;
use shared::testing::Answer;
use shared::writer::commit_batch;
use user_service::actors::account::NewPasswordHash;
use user_service::actors::change::Command;
use user_service::config::PasswordCost;
use user_service::domain::denial::Denial;
use user_service::store;

use crate::test_app::{Make, PASSWORD, Person, TestApp};

on_both_databases!(
    a_new_password_ends_every_other_session,
    a_wrong_password_changes_nothing,
    refused_passwords_are_refused_fields,
    a_session_that_has_ended_changes_nothing,
    of_several_changes_at_once_one_is_made,
    a_weaker_hash_is_replaced_at_the_next_login,
);

const NEW: &str = "wet-Marble-37 field";

async fn change(person: &Person, current: &str, new: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new});
    person.client.json(Method::PUT, "/v1/me/password", &body).await
}

fn held_hash(app: &TestApp, person: &Person) -> String {
    store::user::password_hash(&mut app.conn(), person.id.parse().unwrap()).unwrap().unwrap()
}

async fn a_new_password_ends_every_other_session(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let others = [app.log_in("ann").await, app.log_in("ann").await];
    let answer = change(&ann, PASSWORD, NEW).await.expect(204);
    assert!(answer.bytes.is_empty());
    for other in &others {
        other.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
        app.refresh(other.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    }
    ann.client.get("/v1/me").await.expect(200);
    app.refresh(ann.refresh_token()).await.expect(200);
    bob.client.get("/v1/me").await.expect(200);
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "invalid_credentials");
    app.try_log_in("ann", NEW).await.expect(201);
    app.try_log_in("bob", PASSWORD).await.expect(201);
    let events = app.events().await;
    let ended: Vec<&Value> =
        events.iter().filter(|e| e["type"] == "session.revoked").map(|e| &e["data"]["session_id"]).collect();
    assert_eq!(ended.len(), 2);
    assert!(others.iter().all(|other| ended.contains(&&other.session["id"])), "{ended:?}");
}

async fn a_wrong_password_changes_nothing(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let phone = app.log_in("ann").await;
    for wrong in ["", "wrong password", NEW, "x".repeat(10_000).as_str()] {
        change(&ann, wrong, NEW).await.expect_problem(403, "wrong_password");
        // Whether the new one would do is nobody's to learn who does not know the old one.
        change(&ann, wrong, "short").await.expect_problem(403, "wrong_password");
    }
    phone.client.get("/v1/me").await.expect(200);
    app.try_log_in("ann", PASSWORD).await.expect(201);
    let body = json!({"current_password": PASSWORD, "new_password": NEW});
    app.client.json(Method::PUT, "/v1/me/password", &body).await.expect_problem(401, "unauthenticated");
    assert_eq!(app.events().await.len(), 1);
}

async fn refused_passwords_are_refused_fields(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let phone = app.log_in("ann").await;
    for (new, code) in [
        ("short", "too_short"),
        ("password1", "too_common"),
        ("my ann is 77 blue", "contains_name"),
        ("x".repeat(257).as_str(), "too_long"),
    ] {
        let answer = change(&ann, PASSWORD, new).await.expect_problem(422, "validation_failed").json();
        assert_eq!(
            (&answer["errors"][0]["field"], &answer["errors"][0]["code"]),
            (&json!("new_password"), &json!(code))
        );
    }
    let answer = ann.client.json(Method::PUT, "/v1/me/password", &json!({})).await;
    let errors = answer.expect_problem(422, "validation_failed").json()["errors"].clone();
    assert_eq!(errors.as_array().unwrap().len(), 2);
    phone.client.get("/v1/me").await.expect(200);
    app.try_log_in("ann", PASSWORD).await.expect(201);
}

async fn a_session_that_has_ended_changes_nothing(make: Make) {
    let app = TestApp::start(make);
    let thief = app.register("ann").await;
    let ann = app.log_in("ann").await;
    // While the thief's request is under way, the owner ends the session that it came with.
    let path = format!("/v1/me/sessions/{}", thief.session_id());
    let (stolen, _) = join(change(&thief, PASSWORD, NEW), ann.client.delete(&path)).await;
    // Whichever came first, what was answered is what holds.
    let made = stolen.status.as_u16() == 204;
    if !made {
        stolen.expect_problem(401, "unauthenticated");
    }
    let (right, wrong) = if made { (NEW, PASSWORD) } else { (PASSWORD, NEW) };
    app.try_log_in("ann", right).await.expect(201);
    app.try_log_in("ann", wrong).await.expect_problem(401, "invalid_credentials");
    // Ended for certain, before the writer is asked.
    let command = Command::ChangePassword(NewPasswordHash {
        user: ann.id.parse().unwrap(),
        keep: SessionId::new(1),
        from: Secret::new(held_hash(&app, &ann)),
        to: Secret::new("$argon2id$x"),
    });
    let engine = app.settings.engine().unwrap();
    let (answers, _) = commit_batch(&mut app.conn(), &engine, &[command], &Clock::system()).unwrap();
    assert_eq!(answers[0].outcome, Err(Denial::AccountGone));
    app.try_log_in("ann", right).await.expect(201);
}

async fn of_several_changes_at_once_one_is_made(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let news: Vec<String> = (0..4).map(|number| format!("{NEW} {number}")).collect();
    let answers = join_all(news.iter().map(|new| change(&ann, PASSWORD, new))).await;
    let made: Vec<&String> =
        news.iter().zip(&answers).filter(|(_, a)| a.status.as_u16() == 204).map(|(new, _)| new).collect();
    let refused = answers.iter().filter(|answer| answer.code() == "wrong_password").count();
    assert_eq!((made.len(), refused), (1, 3));
    app.try_log_in("ann", made[0]).await.expect(201);
}

async fn a_weaker_hash_is_replaced_at_the_next_login(make: Make) {
    let mut app = TestApp::start(make);
    let ann = app.register("ann").await;
    assert!(held_hash(&app, &ann).starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    app.settings.passwords.password_cost = PasswordCost::Standard;
    let mut app = app.restart().await;
    app.try_log_in("ann", "wrong password").await.expect_problem(401, "invalid_credentials");
    assert!(held_hash(&app, &ann).starts_with("$argon2id$v=19$m=8,"), "only who knows it can");
    // Each of these may find the hash replaced since it looked, which is no reason to be refused.
    let answers = join_all((0..6).map(|_| app.try_log_in("ann", PASSWORD))).await;
    assert!(answers.iter().all(|answer| answer.status.as_u16() == 201));
    let strong = held_hash(&app, &ann);
    assert!(strong.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    app.log_in("ann").await;
    assert_eq!(held_hash(&app, &ann), strong, "good enough");
    app.settings.passwords.password_cost = PasswordCost::Low;
    let app = app.restart().await;
    app.log_in("ann").await;
    assert_eq!(held_hash(&app, &ann), strong, "never a weaker one");
}
