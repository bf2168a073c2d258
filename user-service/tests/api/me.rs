use actix_web::http::Method;
use serde_json::{Value, json};
use shared::on_both_databases;
use shared::testing::Answer;

use crate::test_app::{Make, Person, TestApp};

on_both_databases!(
    a_patch_changes_what_it_mentions,
    null_clears,
    a_lost_update_is_noticed,
    unchanged_records_are_not_sent_again,
    refused_fields_change_nothing,
    privacy_is_ones_own_choice,
    privacy_is_answered_once_the_other_service_honours_it,
);

async fn patch(person: &Person, path: &str, body: &Value) -> Answer {
    person.client.json(Method::PATCH, path, body).await
}

async fn patch_if(person: &Person, tag: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("if-match", tag)];
    person.client.send(Method::PATCH, "/v1/me", &headers, body.to_string().into_bytes()).await
}

async fn a_patch_changes_what_it_mentions(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let change = json!({
        "display_name": "Ann Lee", "bio": "one\ntwo", "avatar_url": "https://example.com/a.png",
        "links": ["https://example.com/", "https://example.org/x"], "region": "NZ", "language": "pt-BR",
    });
    let body = patch(&ann, "/v1/me", &change).await.expect(200).json();
    for (field, value) in change.as_object().unwrap() {
        assert_eq!(&body[field], value, "{field}");
    }
    let body = patch(&ann, "/v1/me", &json!({"bio": "three"})).await.expect(200).json();
    assert_eq!((&body["bio"], &body["region"]), (&json!("three"), &json!("NZ")));
    let me = ann.client.get("/v1/me").await.expect(200);
    assert_eq!(me.json(), body);
    let public = app.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).json();
    assert_eq!((&public["bio"], public.get("language")), (&json!("three"), None));
    // A change that changes nothing is no event and no new version.
    let same = patch(&ann, "/v1/me", &json!({"bio": "three"})).await.expect(200);
    assert_eq!(same.header("etag"), me.header("etag"));
    let events = app.events().await;
    let kinds: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["user.registered", "user.updated", "user.updated"]);
    assert_eq!(events[2]["data"]["display_name"], "Ann Lee");
    assert_eq!(events[2]["data"]["avatar_url"], "https://example.com/a.png");
}

async fn null_clears(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let all = json!({"display_name": "A", "bio": "b", "avatar_url": "https://example.com/a", "links": ["https://example.com/"], "region": "NZ", "language": "en"});
    patch(&ann, "/v1/me", &all).await.expect(200);
    let none = json!({"display_name": null, "bio": null, "avatar_url": null, "links": null, "region": null, "language": null});
    let body = patch(&ann, "/v1/me", &none).await.expect(200).json();
    assert_eq!((&body["display_name"], &body["bio"], &body["links"]), (&json!(""), &json!(""), &json!([])));
    assert!(["avatar_url", "region", "language"].iter().all(|field| body[field].is_null()), "{body}");
}

async fn a_lost_update_is_noticed(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let read = ann.client.get("/v1/me").await.expect(200);
    let tag = read.header("etag");
    let first = patch_if(&ann, tag, &json!({"bio": "first"})).await.expect(200);
    assert_ne!(first.header("etag"), tag);
    for stale in [tag, "\"nonsense\"", "nonsense", "\"999\"", ""] {
        patch_if(&ann, stale, &json!({"bio": "second"})).await.expect_problem(412, "precondition_failed");
    }
    let one_of = format!("\"77\", {}", first.header("etag"));
    patch_if(&ann, &one_of, &json!({"bio": "third"})).await.expect(200);
    patch_if(&ann, "*", &json!({"bio": "fourth"})).await.expect(200);
    // A change of privacy is a change of the record.
    let before = ann.client.get("/v1/me").await.header("etag").to_owned();
    patch(&ann, "/v1/me/privacy", &json!({"show_counts": false})).await.expect(200);
    patch_if(&ann, &before, &json!({"bio": "fifth"})).await.expect_problem(412, "precondition_failed");
}

async fn unchanged_records_are_not_sent_again(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    for path in ["/v1/me".to_owned(), format!("/v1/users/{}", ann.id), "/v1/users/by-username/ann".to_owned()]
    {
        let tag = ann.client.get(&path).await.expect(200).header("etag").to_owned();
        let again =
            ann.client.send(Method::GET, &path, &[("if-none-match", &tag)], Vec::new()).await.expect(304);
        assert!(again.bytes.is_empty());
        assert_eq!(again.header("etag"), tag);
        ann.client.send(Method::GET, &path, &[("if-none-match", "\"999\"")], Vec::new()).await.expect(200);
        // Whatever there is: RFC 9110, 13.1.2.
        let any =
            ann.client.send(Method::GET, &path, &[("if-none-match", "*")], Vec::new()).await.expect(304);
        assert_eq!((any.bytes.len(), any.header("etag")), (0, tag.as_str()));
    }
    let nobody = ann.client.send(Method::GET, "/v1/users/1", &[("if-none-match", "*")], Vec::new()).await;
    nobody.expect_problem(404, "user_not_found");
}

async fn refused_fields_change_nothing(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let before = ann.client.get("/v1/me").await.json();
    let links: Vec<String> = (0..6).map(|number| format!("https://example.com/{number}")).collect();
    for (body, field, code) in [
        (json!({"display_name": "x".repeat(51)}), "display_name", "too_long"),
        (json!({"display_name": "a\u{202e}b"}), "display_name", "invalid_characters"),
        (json!({"bio": "x".repeat(501)}), "bio", "too_long"),
        (json!({"bio": "a\u{0}b"}), "bio", "invalid_characters"),
        (json!({"avatar_url": "http://example.com/a"}), "avatar_url", "invalid_format"),
        (json!({"avatar_url": "javascript:alert(1)"}), "avatar_url", "invalid_format"),
        (json!({"links": links}), "links", "too_many"),
        (json!({"region": "nz"}), "region", "invalid_format"),
        (json!({"language": "x"}), "language", "invalid_format"),
    ] {
        let answer = patch(&ann, "/v1/me", &body).await.expect_problem(422, "validation_failed").json();
        assert_eq!(
            (&answer["errors"][0]["field"], &answer["errors"][0]["code"]),
            (&json!(field), &json!(code))
        );
    }
    assert_eq!(ann.client.get("/v1/me").await.json(), before);
}

async fn privacy_is_ones_own_choice(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let defaults = json!({
        "private_account": false, "show_relations": "everyone", "show_counts": true, "suggest_to_others": true,
        "messages_from": "everyone", "comments_from": "everyone", "mentions_from": "everyone",
    });
    assert_eq!(ann.client.get("/v1/me/privacy").await.expect(200).json(), defaults);
    let change = json!({"private_account": true, "show_relations": "only_me", "messages_from": "nobody"});
    let changed = patch(&ann, "/v1/me/privacy", &change).await.expect(200).json();
    assert_eq!((&changed["private_account"], &changed["show_relations"]), (&json!(true), &json!("only_me")));
    assert_eq!((&changed["messages_from"], &changed["show_counts"]), (&json!("nobody"), &json!(true)));
    assert_eq!(ann.client.get("/v1/me/privacy").await.expect(200).json(), changed);
    assert_eq!(ann.client.get("/v1/me").await.expect(200).json()["privacy"], changed);
    let public = app.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).json();
    assert_eq!(public["private_account"], true);
    for bad in [
        json!({"private_account": null}),
        json!({"show_relations": null}),
        json!({"messages_from": 1}),
        json!({"messages_from": ["nobody"]}),
        json!({"show_relations": "friends", "secret": true}),
    ] {
        patch(&ann, "/v1/me/privacy", &bad).await.expect_problem(400, "invalid_body");
    }
    let bad = json!({
        "show_counts": false, "show_relations": "friends", "messages_from": "aliens", "comments_from": "nobody",
        "mentions_from": "",
    });
    let refused = patch(&ann, "/v1/me/privacy", &bad).await.expect_problem(422, "validation_failed").json();
    let errors = refused["errors"].as_array().unwrap().iter().map(|error| (&error["field"], &error["code"]));
    let expected = ["show_relations", "messages_from", "mentions_from"].map(|field| json!(field));
    let code = json!("invalid_format");
    assert_eq!(errors.collect::<Vec<_>>(), expected.iter().map(|field| (field, &code)).collect::<Vec<_>>());
    assert_eq!(refused["errors"][1]["detail"], "must be one of everyone, followers, friends, nobody");
    let events = app.events().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["type"], "user.privacy_changed");
    assert_eq!(events[1]["data"]["messages_from"], "nobody");
    assert_eq!(events[1]["data"]["username"], "ann");
}

async fn privacy_is_answered_once_the_other_service_honours_it(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let relation = app.relation_service();
    // It has read the registration and then stands still.
    relation.get("/v1/events?after=1").await.expect(200);
    let behind = patch(&ann, "/v1/me/privacy", &json!({"private_account": true})).await.expect(202);
    assert_eq!(behind.header("mutual-pending"), "relation");
    assert_eq!(behind.json()["private_account"], true);
    let (_, answer) = futures_util::future::join(
        async {
            let page = relation.get("/v1/events?after=2&wait_ms=5000").await.expect(200).json();
            assert_eq!(page["items"][0]["type"], "user.privacy_changed");
            relation.get("/v1/events?after=3").await.expect(200);
        },
        patch(&ann, "/v1/me/privacy", &json!({"private_account": false})),
    )
    .await;
    assert_eq!(answer.expect(200).header("mutual-pending"), "");
}
