//! R4, R5 and R33: of whom somebody may not know they get, byte for byte, what they would get if nobody were there, on
//! every route that takes a person's id. A route without a row fails.

use std::collections::BTreeMap;

use actix_web::http::Method;
use serde_json::Value;
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::testing::{Client, TestDatabase};

use crate::callers::request;
use crate::friends::befriend;
use crate::person::{Act, Person, comparable};
use crate::test_app::{TestApp, until};

/// What a person gets who is blocked by whom the route is about, and then, where that one is hidden: what they would
/// get for `nobody`, or for a `stranger`, with whom there is nothing. Acts that need nothing of the other side work as
/// towards a stranger, and so tell nothing.
const TOLD: &str = "
GET    /v1/counts                         nobody   nobody
GET    /v1/users/{id}/counts              nobody   nobody
GET    /v1/users/{id}/followers           nobody   nobody
GET    /v1/users/{id}/followers/known     nobody   nobody
GET    /v1/users/{id}/following           nobody   nobody
GET    /v1/users/{id}/following/shared    nobody   nobody
GET    /v1/users/{id}/friends             nobody   nobody
GET    /v1/me/explain                     nobody   nobody
GET    /v1/me/relationships               stranger nobody
PUT    /v1/me/following/{id}              nobody   nobody
POST   /v1/me/following/batch             nobody   nobody
PUT    /v1/me/mutes/{id}                  nobody   nobody
POST   /v1/me/follow-requests/{id}/accept nobody   nobody
POST   /v1/me/follow-requests/{id}/reject nobody   nobody
POST   /v1/me/following/batch-remove      stranger stranger
DELETE /v1/me/following/{id}              stranger stranger
DELETE /v1/me/followers/{id}              stranger stranger
PUT    /v1/me/blocks/{id}                 stranger stranger
DELETE /v1/me/blocks/{id}                 stranger stranger
DELETE /v1/me/mutes/{id}                  stranger stranger
PUT    /v1/me/close-friends/{id}          stranger nobody
DELETE /v1/me/close-friends/{id}          stranger stranger
PUT    /v1/me/notes/{id}                  stranger nobody
GET    /v1/relationships                  nobody   nobody
POST   /v1/visibility                     nobody   nobody
GET    /v1/users/{id}/followers.ndjson    nobody   nobody
GET    /v1/users/{id}/similar             nobody   nobody
DELETE /v1/me/suggestions/{id}            stranger stranger
GET    /v1/me/imports/{id}                nobody   nobody
";

/// Each route of [`TOLD`] with its words; panics unless they are exactly the routes that take a person's id.
fn table() -> BTreeMap<String, [String; 2]> {
    let rows = TOLD.lines().filter(|line| !line.is_empty()).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (format!("{} {}", words[0], words[1]), [words[2], words[3]].map(str::to_owned))
    });
    let rows: BTreeMap<String, [String; 2]> = rows.collect();
    let description = serde_json::to_value(relation_service::http::openapi()).unwrap();
    let mut personal = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if takes_a_person(&description, operation) {
                personal.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    personal.sort_unstable();
    assert_eq!(rows.keys().collect::<Vec<_>>(), personal.iter().collect::<Vec<_>>());
    rows
}

fn names_a_person(name: &str) -> bool {
    ["id", "ids"].contains(&name) || name.ends_with("_id") || name.ends_with("_ids")
}

/// Whether an id of a person is in the path, the query or the body.
fn takes_a_person(description: &Value, operation: &Value) -> bool {
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    parameters.iter().any(|parameter| names_a_person(parameter["name"].as_str().unwrap()))
        || holds_a_person(description, &operation["requestBody"])
}

fn holds_a_person(description: &Value, part: &Value) -> bool {
    match part {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            if let ("$ref", Some(place)) = (name.as_str(), value.as_str()) {
                return holds_a_person(
                    description,
                    description.pointer(place.trim_start_matches('#')).unwrap(),
                );
            }
            let properties = value.as_object().filter(|_| name == "properties");
            properties.is_some_and(|properties| properties.keys().any(|name| names_a_person(name)))
                || holds_a_person(description, value)
        }),
        Value::Array(items) => items.iter().any(|item| holds_a_person(description, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The whole answer about somebody, without who that is, and without how far the log is, which others move.
async fn told(client: &Client, route: &str, about: UserId) -> (u16, Vec<(String, String)>, String) {
    let (path, body) = request(route, about);
    assert!(path.contains(&about.to_string()) || body.is_some(), "{route} is not asked about anybody");
    let method = Method::from_bytes(route.split(' ').next().unwrap().as_bytes()).unwrap();
    let answer = match body {
        Some(body) => client.json(method, &path, &body).await,
        None => client.send(method, &path, &[], Vec::new()).await,
    };
    let (status, mut headers, text) = comparable(&answer);
    headers.retain(|(name, _)| name != "mutual-revision");
    (status, headers, text.replace(&about.to_string(), "{id}"))
}

/// Somebody of whom nobody has heard, with an id as long as all others.
fn nobody(near: &Person) -> UserId {
    UserId::new(near.id.get() + 1)
}

async fn r05_r33_the_blocked_side_is_told_what_is_told_of_nobody(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    for (route, [word, _]) in table() {
        let [me, them, stranger] = app.people(["me", "them", "stranger"]).await;
        befriend(&me, &them).await;
        them.block(&me).await;
        let of_them = told(&me.http, &route, them.id).await;
        let other = if word == "nobody" { nobody(&stranger) } else { stranger.id };
        assert_eq!(of_them, told(&me.http, &route, other).await, "{route} like {word}");
        // Once more, after whatever that did.
        assert_eq!(
            told(&me.http, &route, them.id).await,
            told(&me.http, &route, other).await,
            "{route} again like {word}"
        );
        assert!(!of_them.2.contains("blocked_by"), "{route}");
    }
    app.assert_sound().await;
}

async fn r04_r45_of_the_hidden_is_told_what_is_told_of_nobody(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    for status in [AccountStatus::Suspended, AccountStatus::Deactivated, AccountStatus::Deleted] {
        for (route, [_, mut word]) in table() {
            let [me, them, stranger] = app.people(["me", "them", "stranger"]).await;
            app.set_status(&them, status).await;
            if status == AccountStatus::Deleted {
                // Hidden until the purge has ended, then nobody at all.
                until("purged", async || me.try_act(Act::Unfollow, them.id).await.status == 404).await;
                word = "nobody".to_owned();
            }
            let of_them = told(&me.http, &route, them.id).await;
            let other = if word == "nobody" { nobody(&stranger) } else { stranger.id };
            assert_eq!(of_them, told(&me.http, &route, other).await, "{route} like {word}, {status:?}");
        }
    }
    app.assert_sound().await;
}

/// R5: amid two blocks one's own speaks, on every way to follow.
async fn r05_amid_two_blocks_the_own_one_speaks(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, them] = app.people(["me", "them"]).await;
    me.block(&them).await;
    them.block(&me).await;
    for body in [None, Some(serde_json::json!({"notify": true}))] {
        let path = format!("/v1/me/following/{}", them.id);
        let answer = match body {
            Some(body) => me.http.json(Method::PUT, &path, &body).await,
            None => me.http.put(&path).await,
        };
        answer.expect_problem(403, "you_block_them");
    }
    for route in ["POST /v1/me/following/batch", "GET /v1/me/explain"] {
        let (status, _, text) = told(&me.http, route, them.id).await;
        assert!(status == 200 && text.contains("you_block_them"), "{route}: {text}");
    }
    me.act(Act::Unblock, &them).await;
    me.try_act(Act::Follow, them.id).await.expect_problem(404, "user_not_found");
}

shared::on_both_databases!(
    r05_r33_the_blocked_side_is_told_what_is_told_of_nobody,
    r04_r45_of_the_hidden_is_told_what_is_told_of_nobody,
    r05_amid_two_blocks_the_own_one_speaks,
);
