use serde_json::{Value, json};
use shared::on_both_databases;

use crate::test_app::{Make, PASSWORD, TestApp};

on_both_databases!(
    the_list_tells_devices_newest_first,
    an_ended_session_is_refused_at_once,
    only_ones_own_sessions_can_be_ended,
    all_but_this_one_end,
    ended_sessions_stay_ended_after_a_restart,
);

async fn the_list_tells_devices_newest_first(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let body = json!({"login": "ann", "password": PASSWORD, "device_name": " My phone "});
    app.post("/v1/sessions", &body).await.expect(201);
    let list = ann.client.get("/v1/me/sessions").await.expect(200).json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(list["next_cursor"], Value::Null);
    assert_eq!((&items[0]["device_name"], &items[0]["current"]), (&json!("My phone"), &json!(false)));
    assert_eq!((&items[1]["device_name"], &items[1]["current"]), (&Value::Null, &json!(true)));
    assert_eq!(items[1]["id"], ann.session["id"]);
    // The same, a page at a time.
    let first = ann.client.get("/v1/me/sessions?limit=1").await.expect(200);
    assert!(first.header("link").contains("rel=\"next\""));
    assert_eq!(first.json()["items"], json!([items[0]]));
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let second = ann.client.get(&format!("/v1/me/sessions?limit=1&cursor={cursor}")).await.expect(200).json();
    assert_eq!(second, json!({"items": [items[1]], "next_cursor": null}));
    let bob = app.register("bob").await;
    let foreign = bob.client.get(&format!("/v1/me/sessions?cursor={cursor}")).await;
    foreign.expect_problem(400, "invalid_cursor");
}

async fn an_ended_session_is_refused_at_once(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let phone = app.log_in("ann").await;
    let ended = ann.client.delete(&format!("/v1/me/sessions/{}", phone.session_id())).await.expect(204);
    assert!(ended.bytes.is_empty());
    phone.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    app.refresh(phone.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    ann.client.delete("/v1/me/sessions/current").await.expect(204);
    ann.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    app.refresh(ann.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    let events = app.events().await;
    let ended: Vec<&Value> =
        events.iter().filter(|e| e["type"] == "session.revoked").map(|e| &e["data"]["session_id"]).collect();
    assert_eq!(ended, [&phone.session["id"], &ann.session["id"]]);
}

async fn only_ones_own_sessions_can_be_ended(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let bob = app.register("bob").await;
    for id in [bob.session_id(), "1", "9223372036854775807"] {
        let answer = ann.client.delete(&format!("/v1/me/sessions/{id}")).await;
        answer.expect_problem(404, "session_not_found");
    }
    bob.client.get("/v1/me").await.expect(200);
    let phone = app.log_in("ann").await;
    let path = format!("/v1/me/sessions/{}", phone.session_id());
    ann.client.delete(&path).await.expect(204);
    ann.client.delete(&path).await.expect_problem(404, "session_not_found");
}

async fn all_but_this_one_end(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let others = [app.log_in("ann").await, app.log_in("ann").await];
    let bob = app.register("bob").await;
    ann.client.delete("/v1/me/sessions").await.expect(204);
    for other in &others {
        other.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    }
    let list = ann.client.get("/v1/me/sessions").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    bob.client.get("/v1/me").await.expect(200);
    // Again: there is nothing left to end.
    ann.client.delete("/v1/me/sessions").await.expect(204);
    let ended = app.events().await.iter().filter(|event| event["type"] == "session.revoked").count();
    assert_eq!(ended, 2);
}

async fn ended_sessions_stay_ended_after_a_restart(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let phone = app.log_in("ann").await;
    ann.client.delete(&format!("/v1/me/sessions/{}", phone.session_id())).await.expect(204);
    let app = app.restart().await;
    let again = |client: &shared::testing::Client| client.at(app.base.as_str());
    again(&ann.client).get("/v1/me").await.expect(200);
    again(&phone.client).get("/v1/me").await.expect_problem(401, "unauthenticated");
}
