use actix_web::http::Method;
use futures_util::future::join;
use serde_json::{Value, json};
use shared::facts::{AccountStatus, UserFacts};
use shared::on_both_databases;
use shared::testing::{Answer, Client};
use user_service::store;
use user_service::store::audit::audit;

use crate::test_app::{Make, PASSWORD, Person, TestApp};

on_both_databases!(
    a_deactivated_person_is_nowhere,
    the_next_login_restores_exactly,
    a_wrong_password_changes_nothing,
    a_suspended_person_cannot_come_back_alone,
    both_are_answered_once_the_other_service_honours_them,
);

pub async fn deactivate(person: &Person, password: &str) -> Answer {
    person.client.json(Method::POST, "/v1/me/deactivation", &json!({"password": password})).await
}

pub fn without_request_id(answer: &Answer) -> Value {
    let mut body = answer.json();
    body["request_id"] = Value::Null;
    body
}

async fn a_deactivated_person_is_nowhere(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let phone = app.log_in("ann").await;
    ann.client.json(Method::PUT, "/v1/me/username", &json!({"username": "zora"})).await.expect(200);
    let answer = deactivate(&ann, PASSWORD).await.expect(202);
    assert_eq!(answer.json(), json!({"status": "deactivated"}));
    assert_eq!(answer.header("mutual-pending"), "");
    let nobody = bob.client.get("/v1/users/7").await.expect_problem(404, "user_not_found");
    for path in [ann.id.as_str(), "by-username/zora", "by-username/ann"] {
        let hidden = bob.client.get(&format!("/v1/users/{path}")).await;
        let hidden = hidden.expect_problem(404, "user_not_found");
        assert_eq!(without_request_id(&hidden), without_request_id(&nobody), "{path}");
    }
    let many = bob.client.get(&format!("/v1/users?ids={},{}", ann.id, bob.id)).await.expect(200).json();
    assert_eq!(many["items"][0], json!({"id": ann.id, "user": null}));
    assert_eq!(many["items"][1]["user"]["username"], "bob");
    for person in [&ann, &phone] {
        person.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
        app.refresh(person.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    }
    // The names and the address stay the person's own.
    let state = app.client.get("/v1/usernames/zora").await.expect(200).json();
    assert_eq!(state["reason"], "taken");
    app.try_register("zora").await.expect_problem(409, "username_taken");
    let events = app.events().await;
    let ended = events.iter().filter(|event| event["type"] == "session.revoked").count();
    assert_eq!(ended, 2);
    let closed: Vec<&Value> = events.iter().filter(|event| event["type"] == "user.deactivated").collect();
    let facts: UserFacts = serde_json::from_value(closed[0]["data"].clone()).unwrap();
    assert_eq!((closed.len(), facts.status), (1, AccountStatus::Deactivated));
    assert!(audit(&mut app.conn()).unwrap().iter().all(|finding| finding.drift == 0));
}

async fn the_next_login_restores_exactly(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let profile =
        json!({"display_name": "Ann", "bio": "b", "links": ["https://example.com/"], "region": "NZ"});
    ann.client.json(Method::PATCH, "/v1/me", &profile).await.expect(200);
    let privacy = json!({"private_account": true, "messages_from": "friends"});
    ann.client.json(Method::PATCH, "/v1/me/privacy", &privacy).await.expect(200);
    let path = format!("/v1/users/{}", ann.id);
    let (mine, public) = (ann.client.get("/v1/me").await.json(), app.client.get(&path).await.json());
    deactivate(&ann, PASSWORD).await.expect(202);
    app.try_log_in("ann", "wrong password").await.expect_problem(401, "invalid_credentials");
    app.client.get(&path).await.expect_problem(404, "user_not_found");
    let back = app.try_log_in("ann", PASSWORD).await.expect(201);
    assert_eq!(back.json()["user"], mine);
    let back = Person::from(&app.client, &back);
    assert_eq!(back.client.get("/v1/me").await.expect(200).json(), mine);
    assert_eq!(app.client.get(&path).await.expect(200).json(), public);
    // What ended stays ended.
    ann.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    app.log_in("ann").await;
    let events = app.events().await;
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds[3..],
        ["user.deactivated", "session.revoked", "user.reactivated"],
        "and no second one for the second login"
    );
    let facts: UserFacts = serde_json::from_value(events[5]["data"].clone()).unwrap();
    assert_eq!((facts.status, facts.private_account), (AccountStatus::Active, true));
    // And again.
    deactivate(&back, PASSWORD).await.expect(202);
    app.client.get(&path).await.expect_problem(404, "user_not_found");
    app.log_in("mail.ann@example.com").await;
    assert_eq!(app.client.get(&path).await.expect(200).json(), public);
}

async fn a_wrong_password_changes_nothing(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    for wrong in ["", "wrong password"] {
        deactivate(&ann, wrong).await.expect_problem(403, "wrong_password");
    }
    let empty = ann.client.json(Method::POST, "/v1/me/deactivation", &json!({})).await;
    empty.expect_problem(422, "validation_failed");
    let nobody = app.client.json(Method::POST, "/v1/me/deactivation", &json!({"password": PASSWORD})).await;
    nobody.expect_problem(401, "unauthenticated");
    ann.client.get("/v1/me").await.expect(200);
    assert_eq!(app.events().await.len(), 1);
}

async fn a_suspended_person_cannot_come_back_alone(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let mut conn = app.conn();
    let mut user = store::user::user(&mut conn, ann.id.parse().unwrap()).unwrap().unwrap();
    for status in [AccountStatus::Suspended, AccountStatus::Deleted] {
        user.status = status;
        store::user::update(&mut conn, &user).unwrap();
        app.try_log_in("ann", PASSWORD).await.expect_problem(401, "invalid_credentials");
        deactivate(&ann, PASSWORD).await.expect_problem(401, "unauthenticated");
    }
}

/// Does something while relation-service reads on from `after` until it has seen an event of this type.
pub async fn while_reading(
    relation: &Client,
    after: i64,
    kind: &str,
    act: impl Future<Output = Answer>,
) -> Answer {
    let read = async {
        let mut after = after;
        loop {
            let page =
                relation.get(&format!("/v1/events?after={after}&wait_ms=5000")).await.expect(200).json();
            after = page["next_after"].as_i64().unwrap();
            if page["items"].as_array().unwrap().iter().any(|event| event["type"] == kind) {
                break relation.get(&format!("/v1/events?after={after}")).await.expect(200);
            }
        }
    };
    join(read, act).await.1
}

async fn both_are_answered_once_the_other_service_honours_them(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let relation = app.relation_service();
    // It has read the registration and then stands still.
    relation.get("/v1/events?after=1").await.expect(200);
    let behind = deactivate(&ann, PASSWORD).await.expect(202);
    assert_eq!(behind.header("mutual-pending"), "relation");
    let behind = app.try_log_in("ann", PASSWORD).await.expect(201);
    assert_eq!(behind.header("mutual-pending"), "relation");
    let ann = Person::from(&app.client, &behind);
    // A login that restores nothing waits for nobody.
    assert_eq!(app.try_log_in("ann", PASSWORD).await.expect(201).header("mutual-pending"), "");
    let after = app.handle.revision();
    let answer = while_reading(&relation, after, "user.deactivated", deactivate(&ann, PASSWORD)).await;
    assert_eq!(answer.expect(202).header("mutual-pending"), "");
    let after = app.handle.revision();
    let answer = while_reading(&relation, after, "user.reactivated", app.try_log_in("ann", PASSWORD)).await;
    assert_eq!(answer.expect(201).header("mutual-pending"), "");
}
