//! Taking along everything that is held about oneself.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::on_both_databases;
use user_service::domain::account::Role;
use user_service::store::purge::{PERSONAL, Shown};

use crate::deletion::marked;
use crate::test_app::{Make, TestApp, held_clock};

on_both_databases!(
    an_export_has_everything_and_no_secret,
    a_long_export_is_whole,
    an_export_is_for_its_person,
);

async fn an_export_has_everything_and_no_secret(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let boss = app.with_role("boss", Role::Admin).await;
    let (other, others_marks) = marked(&app, &boss, 8).await;
    let (person, marks) = marked(&app, &boss, 7).await;
    let answer = person.client.get("/v1/me/export").await.expect(200);
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        ("application/json", "no-store")
    );
    let export = answer.json();
    for personal in PERSONAL {
        if let Shown::As(part) = personal.shown {
            let held = match &export[part] {
                Value::Array(items) => !items.is_empty(),
                Value::Object(fields) => !fields.is_empty(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
            };
            assert!(held, "{part} shows {}: {export}", personal.table);
        }
    }
    let text = export.to_string();
    let (secrets, fields): (Vec<&String>, Vec<&String>) =
        marks.iter().partition(|mark| !mark.ends_with("zqx7"));
    assert!(fields.iter().all(|mark| text.contains(mark.as_str())), "{fields:?} {text}");
    assert!(secrets.len() >= 2 && !secrets.iter().any(|secret| text.contains(secret.as_str())));
    assert!(!others_marks.iter().any(|mark| text.contains(mark.as_str())), "of {} too", other.id);
    assert!(!text.contains(&boss.id), "who moderates is not told");
    let mine = person.client.get("/v1/me").await.expect(200).json();
    for (field, value) in mine.as_object().unwrap() {
        assert_eq!(export["account"][field], *value, "{field}");
    }
    assert_eq!(export["moderation"].as_array().unwrap().len(), 2);
    assert_eq!(export["events"][0]["type"], "user.registered");
}

async fn a_long_export_is_whole(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    for number in 0..1_001 {
        let bio = json!({"bio": format!("change {number}")});
        ann.client.json(Method::PATCH, "/v1/me", &bio).await.expect(200);
    }
    let export = ann.client.get("/v1/me/export").await.expect(200).json();
    let events = export["events"].as_array().unwrap();
    let numbers: Vec<i64> = events.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=1_002).collect::<Vec<_>>());
}

async fn an_export_is_for_its_person(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    app.client.get("/v1/me/export").await.expect_problem(401, "unauthenticated");
    app.relation_service().get("/v1/me/export").await.expect_problem(403, "not_for_services");
    let ann = app.register("ann").await;
    ann.client.get("/v1/me/export").await.expect(200);
    app.settings.clock.advance(Duration::from_secs(601));
    ann.client.get("/v1/me/export").await.expect_problem(401, "unauthenticated");
}
