//! What memory answers before the router is asked is what the router's way answers.

use actix_web::http::Method;
use serde_json::json;

use crate::deactivation::deactivate;
use crate::test_app::{Make, PASSWORD, TestApp};

shared::on_both_databases!(both_ways_answer_the_same);

/// Takes a request the longer way, and is no version of anybody.
const LONGER: (&str, &str) = ("if-none-match", "\"none\"");

async fn both_ways_answer_the_same(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let gone = app.register("gone").await;
    let profile = json!({"display_name": "Ann \u{e9} \"", "bio": "\n", "links": ["https://ann.example/"]});
    ann.client.json(Method::PATCH, "/v1/me", &profile).await.expect(200);
    deactivate(&gone, PASSWORD).await.expect(202);
    let id = ann.id;
    let paths = [
        format!("/v1/users/{id}"),
        format!("/v1/users/{}", bob.id),
        format!("/v1/users/{}", gone.id),
        format!("/v1/users/{id}?x=1"),
        format!("/v1/users/{id}?"),
        format!("/v1/users/{id}/"),
        format!("/v1/users/0{id}"),
        "/v1/users/999".to_owned(),
        "/v1/users/x".to_owned(),
        "/v1/users/search".to_owned(),
    ];
    for client in [&app.client, &bob.client, &ann.client, &app.client.with_token("none")] {
        for path in &paths {
            client.get_both_ways(path, LONGER).await;
        }
    }
    let changed = json!({"display_name": "Anna"});
    ann.client.json(Method::PATCH, "/v1/me", &changed).await.expect(200);
    assert_eq!(bob.client.get(&paths[0]).await.expect(200).json()["display_name"], "Anna");
    bob.client.get_both_ways(&paths[0], LONGER).await;
}
