use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::on_both_databases;

use crate::test_app::{Make, PASSWORD, TestApp};

on_both_databases!(
    a_member_is_signed_in,
    all_refused_fields_are_told_at_once,
    names_and_addresses_are_unique,
    an_address_may_be_a_small_part_of_a_password,
    of_many_who_want_one_name_one_gets_it,
    names_are_told_to_be_free_or_why_not,
);

async fn a_member_is_signed_in(make: Make) {
    let app = TestApp::start(make);
    let body = json!({"username": "Ann.Lee", "email": "Ann@Example.com", "password": PASSWORD, "display_name": "Ann"});
    let answer = app.post("/v1/users", &body).await.expect(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    let id = body["user"]["id"].as_str().unwrap();
    assert_eq!(body["user"]["username"], "ann.lee");
    assert_eq!(body["user"]["display_name"], "Ann");
    assert_eq!(body["user"]["email"], "Ann@example.com");
    assert_eq!(body["user"]["email_verified"], false);
    assert_eq!((&body["user"]["role"], &body["user"]["status"]), (&json!("user"), &json!("active")));
    let session = &body["session"];
    assert_eq!(session["token_type"], "Bearer");
    let keys: Vec<&String> = session.as_object().unwrap().keys().collect();
    let expected =
        ["access_expires_at", "access_token", "id", "refresh_expires_at", "refresh_token", "token_type"];
    assert_eq!(keys, expected);
    let me = app.client.with_token(session["access_token"].as_str().unwrap()).get("/v1/me").await.expect(200);
    assert_eq!(me.json(), body["user"]);
    let events = app.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "user.registered");
    assert_eq!((&events[0]["actor_id"], &events[0]["subject_id"]), (&json!(id), &json!(id)));
    let facts: shared::facts::UserFacts = serde_json::from_value(events[0]["data"].clone()).unwrap();
    assert_eq!((facts.username.as_str(), facts.display_name.as_str()), ("ann.lee", "Ann"));
}

async fn all_refused_fields_are_told_at_once(make: Make) {
    let app = TestApp::start(make);
    let codes = |body: Value| {
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let pair = |error: &Value| {
            format!("{}:{}", error["field"].as_str().unwrap(), error["code"].as_str().unwrap())
        };
        errors.iter().map(pair).collect::<Vec<_>>().join(" ")
    };
    for (body, expected) in [
        (json!({}), "username:required email:required password:required"),
        (
            json!({"username": "a", "email": "x", "password": "short", "display_name": "a\u{0}b"}),
            "username:too_short email:invalid_format password:too_short display_name:invalid_characters",
        ),
        (json!({"username": "admin", "email": "a@example.com", "password": PASSWORD}), "username:reserved"),
        (json!({"username": "adm1n", "email": "a@example.com", "password": PASSWORD}), "username:reserved"),
        (
            json!({"username": "carol", "email": "a@example.com", "password": "password1"}),
            "password:too_common",
        ),
        (
            json!({"username": "carol", "email": "a@example.com", "password": "my carol is 77 blue"}),
            "password:contains_name",
        ),
        (
            json!({"username": "carol", "email": "a@example.com", "password": "x".repeat(257)}),
            "password:too_long",
        ),
    ] {
        let answer = app.post("/v1/users", &body).await.expect_problem(422, "validation_failed");
        assert_eq!(codes(answer.json()), expected, "{body}");
    }
    assert!(app.events().await.is_empty());
}

async fn names_and_addresses_are_unique(make: Make) {
    let app = TestApp::start(make);
    app.register("alice").await;
    for taken in ["alice", "ALICE", "a1ice", "4lice", "AL1C3"] {
        let body = json!({"username": taken, "email": "other@example.com", "password": PASSWORD});
        app.post("/v1/users", &body).await.expect_problem(409, "username_taken");
    }
    for taken in ["mail.alice@example.com", "MAIL.Alice@EXAMPLE.com"] {
        let body = json!({"username": "somebody", "email": taken, "password": PASSWORD});
        app.post("/v1/users", &body).await.expect_problem(409, "email_taken");
    }
    // What merely resembles a name is free.
    app.register("alice2").await;
    app.register("a.lice").await;
    assert_eq!(app.events().await.len(), 3);
}

async fn an_address_may_be_a_small_part_of_a_password(make: Make) {
    let app = TestApp::start(make);
    // Of 24 characters.
    let password = "wonderful-Plum-Tractor91";
    let register = async |number: usize, local_part: &str| {
        let (name, email) = (format!("name{number}"), format!("{local_part}@example.com"));
        app.post("/v1/users", &json!({"username": name, "email": email, "password": password})).await
    };
    for (number, small) in ["plum", "tractor", "wonderful", "plum-tracto"].into_iter().enumerate() {
        register(number, small).await.expect(201);
    }
    for half in ["plum-tractor", "Wonderful-Plum"] {
        let refused = register(9, half).await.expect_problem(422, "validation_failed");
        assert_eq!(refused.json()["errors"][0]["code"], "contains_name");
    }
}

async fn of_many_who_want_one_name_one_gets_it(make: Make) {
    let app = TestApp::start(make);
    let tries = (0..20).map(|number| {
        let name = if number % 2 == 0 { "winner" } else { "w1nner" };
        let body =
            json!({"username": name, "email": format!("mail{number}@example.com"), "password": PASSWORD});
        let client = app.client.clone();
        async move { client.json(Method::POST, "/v1/users", &body).await }
    });
    let answers = join_all(tries).await;
    let made = answers.iter().filter(|answer| answer.status.as_u16() == 201).count();
    let refused = answers.iter().filter(|answer| answer.code() == "username_taken").count();
    assert_eq!((made, refused), (1, 19));
    let same_address = (0..20).map(|number| {
        let body =
            json!({"username": format!("name{number}"), "email": "One@example.com", "password": PASSWORD});
        let client = app.client.clone();
        async move { client.json(Method::POST, "/v1/users", &body).await }
    });
    let answers = join_all(same_address).await;
    let made = answers.iter().filter(|answer| answer.status.as_u16() == 201).count();
    let refused = answers.iter().filter(|answer| answer.code() == "email_taken").count();
    assert_eq!((made, refused), (1, 19));
    assert_eq!(app.events().await.len(), 2);
}

async fn names_are_told_to_be_free_or_why_not(make: Make) {
    let app = TestApp::start(make);
    app.register("alice").await;
    for (name, reason) in [
        ("bob", Value::Null),
        ("alice", json!("taken")),
        ("A1ICE", json!("taken")),
        ("admin", json!("reserved")),
        ("a", json!("invalid")),
        ("a..b", json!("invalid")),
        ("a%00b", json!("invalid")),
        ("%F0%9F%A6%80", json!("invalid")),
    ] {
        let body = app.client.get(&format!("/v1/usernames/{name}")).await.expect(200).json();
        assert_eq!(body["reason"], reason, "{name}");
        assert_eq!(body["available"], reason.is_null(), "{name}");
    }
}
