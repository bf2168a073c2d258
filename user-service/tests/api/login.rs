use serde_json::json;
use shared::on_both_databases;
use user_service::actors::register::ImportedUser;
use user_service::domain::username::Username;

use crate::test_app::{Make, PASSWORD, Person, TestApp};

on_both_databases!(
    any_spelling_of_name_and_address_logs_in,
    whatever_is_wrong_is_answered_the_same,
    the_oldest_session_makes_room,
);

async fn any_spelling_of_name_and_address_logs_in(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("Ann").await;
    for login in ["ann", "ANN", " ann ", "mail.ann@example.com", "MAIL.ANN@Example.COM"] {
        let answer = app.try_log_in(login, PASSWORD).await.expect(201);
        let again = Person::from(&app.client, &answer);
        assert_eq!(again.id, ann.id);
        assert_ne!(again.session_id(), ann.session_id());
        again.client.get("/v1/me").await.expect(200);
    }
}

async fn whatever_is_wrong_is_answered_the_same(make: Make) {
    let app = TestApp::start(make);
    app.register("ann").await;
    let imported =
        ImportedUser { username: Username::parse("imported").unwrap(), display_name: String::new() };
    app.handle.register_imported(vec![imported]).await.unwrap();
    let mut seen = Vec::new();
    for (login, password) in [
        ("ann", "wrong password"),
        ("ann", ""),
        ("ann", "x".repeat(10_000).as_str()),
        ("nobody", PASSWORD),
        ("imported", PASSWORD),
        ("imported", ""),
        ("mail.nobody@example.com", PASSWORD),
        ("", PASSWORD),
        ("ann\0", PASSWORD),
        ("an n", PASSWORD),
        ("@", PASSWORD),
        (&"x".repeat(10_000), PASSWORD),
    ] {
        let answer = app.try_log_in(login, password).await.expect_problem(401, "invalid_credentials");
        let mut body = answer.json();
        body["request_id"] = json!(null);
        let mut headers: Vec<String> = answer.headers.keys().map(|name| name.to_string()).collect();
        headers.sort();
        seen.push((body, headers, answer.header("content-length").to_owned()));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
}

async fn the_oldest_session_makes_room(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.limits.sessions_max = 3);
    let first = app.register("ann").await;
    let second = app.log_in("ann").await;
    app.log_in("ann").await;
    first.client.get("/v1/me").await.expect(200);
    let last = app.log_in("ann").await;
    first.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    second.client.get("/v1/me").await.expect(200);
    let sessions = last.client.get("/v1/me/sessions").await.expect(200).json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 3);
    let revoked: Vec<_> = app.events().await.into_iter().filter(|e| e["type"] == "session.revoked").collect();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0]["data"], json!({"session_id": first.session_id()}));
    assert_eq!(revoked[0]["subject_id"], json!(first.id));
}
