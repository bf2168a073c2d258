use actix_web::http::Method;
use serde_json::{Value, json};
use shared::facts::{NamedFactsPage, UserFactsPage};
use shared::on_both_databases;

use crate::test_app::{Make, PASSWORD, TestApp};

on_both_databases!(
    anybody_sees_the_public_view,
    who_is_not_there_is_always_the_same,
    many_are_answered_in_the_order_of_the_question,
    other_services_learn_facts,
    other_services_learn_whom_names_lead_to,
);

async fn anybody_sees_the_public_view(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let user = app.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200);
    assert!(!user.header("etag").is_empty());
    let body = user.json();
    let keys: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "id",
        "username",
        "display_name",
        "bio",
        "avatar_url",
        "links",
        "region",
        "private_account",
        "verified",
        "created_at",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    for name in ["ann", "ANN"] {
        let found = app.client.get(&format!("/v1/users/by-username/{name}")).await.expect(200);
        assert_eq!(found.json(), body);
    }
    let bob = app.register("bob").await;
    assert_eq!(bob.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).json(), body);
}

async fn who_is_not_there_is_always_the_same(make: Make) {
    let app = TestApp::start(make);
    let mut bodies = Vec::new();
    for path in [
        "1",
        "9223372036854775807",
        "by-username/nobody",
        "by-username/a%00b",
        "by-username/a%20b",
        "by-username/x",
        "by-username/%F0%9F%A6%80",
    ] {
        let answer = app.client.get(&format!("/v1/users/{path}")).await.expect_problem(404, "user_not_found");
        let mut body = answer.json();
        body["request_id"] = Value::Null;
        bodies.push(body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
}

async fn many_are_answered_in_the_order_of_the_question(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let ids = format!("{},7,{},{},7", bob.id, ann.id, bob.id);
    let items = app.client.get(&format!("/v1/users?ids={ids}")).await.expect(200).json()["items"].clone();
    let order: Vec<&Value> = items.as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert_eq!(order, [&json!(bob.id), &json!("7"), &json!(ann.id)]);
    assert_eq!((&items[0]["user"]["username"], &items[1]["user"]), (&json!("bob"), &Value::Null));
    let hundred: Vec<String> = (1..=100).map(|id| id.to_string()).collect();
    app.client.get(&format!("/v1/users?ids={}", hundred.join(","))).await.expect(200);
    let more = app.client.get(&format!("/v1/users?ids={},101", hundred.join(","))).await;
    more.expect_problem(400, "too_many_ids");
    for bad in ["", "0", "-1", "abc", "1,,2", "18446744073709551616"] {
        app.client.get(&format!("/v1/users?ids={bad}")).await.expect_problem(400, "invalid_id");
    }
    app.client.get("/v1/users").await.expect_problem(400, "invalid_query");
}

async fn other_services_learn_facts(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let path = format!("/v1/user-facts?ids={},7,{}", bob.id, ann.id);
    app.client.get(&path).await.expect_problem(401, "unauthenticated");
    ann.client.get(&path).await.expect_problem(403, "only_for_services");
    app.service(&["events"]).get(&path).await.expect_problem(403, "missing_scope");
    let page = app.relation_service().get(&path).await.expect(200);
    let page: UserFactsPage = serde_json::from_slice(&page.bytes).unwrap();
    assert_eq!(page.seq, 2);
    let names: Vec<Option<&str>> =
        page.items.iter().map(|item| item.facts.as_ref().map(|facts| facts.username.as_str())).collect();
    assert_eq!(names, [Some("bob"), None, Some("ann")]);
    app.service(&["facts"]).get(&path).await.expect(200);
}

async fn other_services_learn_whom_names_lead_to(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let bob = app.register("bob").await;
    let rename = json!({"username": "zora"});
    ann.client.json(Method::PUT, "/v1/me/username", &rename).await.expect(200);
    bob.client.json(Method::POST, "/v1/me/deactivation", &json!({"password": PASSWORD})).await.expect(202);
    let service = app.relation_service();
    let ask = async |names: &str| -> NamedFactsPage {
        let answer = service.get(&format!("/v1/user-facts/by-username?usernames={names}")).await.expect(200);
        serde_json::from_value(answer.json()).unwrap()
    };
    let page = ask("zora,nobody,ANN,a%20b,bob,ann").await;
    let told = page.items.iter().map(|item| {
        let found = item.found.as_ref().map(|found| (found.id.to_string(), found.facts.username.as_str()));
        (item.username.as_str(), found)
    });
    let zora = Some((ann.id.to_string(), "zora"));
    let expected = [
        ("zora", zora.clone()),
        ("nobody", None),
        ("ANN", zora.clone()),
        ("a b", None),
        ("bob", Some((bob.id.to_string(), "bob"))),
        ("ann", zora),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert_eq!(page.seq, i64::try_from(app.events().await.len()).unwrap());
    let many = vec!["a"; 101].join(",");
    for (query, code) in [(format!("usernames={many}"), "too_many_ids"), ("names=a".into(), "invalid_query")]
    {
        service.get(&format!("/v1/user-facts/by-username?{query}")).await.expect_problem(400, code);
    }
}
