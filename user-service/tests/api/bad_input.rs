use std::time::Duration;

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::json;
use shared::on_both_databases;
use shared::secret::Secret;
use shared::testing::Client;
use shared::token::TokenSigner;

use crate::test_app::{Make, TestApp, held_clock};

on_both_databases!(
    bodies_that_cannot_be_read,
    paths_and_queries_that_cannot_be_read,
    tokens_that_are_not_valid,
    routes_that_are_not_there,
    heads_are_pages_without_a_body,
    errors_of_many_at_once_do_not_meet,
);

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

async fn bodies_that_cannot_be_read(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let huge = format!("{{\"bio\":\"{}\"}}", "x".repeat(1 << 20)).into_bytes();
    let deep = [b"[".repeat(30_000), b"]".repeat(30_000)].concat();
    let routes = [
        (Method::POST, "/v1/users"),
        (Method::POST, "/v1/sessions"),
        (Method::POST, "/v1/sessions/refresh"),
        (Method::PATCH, "/v1/me"),
        (Method::PATCH, "/v1/me/privacy"),
        (Method::PUT, "/v1/me/username"),
        (Method::PUT, "/v1/me/password"),
        (Method::POST, "/v1/me/deactivation"),
    ];
    for (method, path) in routes {
        for (body, status, code) in [
            (&b""[..], 400, "malformed_json"),
            (b"{", 400, "malformed_json"),
            (b"\xff\xfe", 400, "malformed_json"),
            (b"{}x", 400, "malformed_json"),
            (b"null", 400, "invalid_body"),
            (b"{\"nonsense\": 1}", 400, "invalid_body"),
            (&huge, 413, "body_too_large"),
        ] {
            let answer = ann.client.send(method.clone(), path, JSON, body.to_vec()).await;
            // A list where an object belongs may be found before or after its depth is.
            let code =
                if answer.code() == "malformed_json" && body == deep { "malformed_json" } else { code };
            answer.expect_problem(status, code);
        }
        // What is wrong first with a list is the parser's to say.
        for body in [b" []", &b"[1]"[..], b"[null,null]", &deep] {
            let answer = ann.client.send(method.clone(), path, JSON, body.to_vec()).await.expect(400);
            assert!(
                ["invalid_body", "malformed_json"].contains(&answer.code().as_str()),
                "{}",
                answer.code()
            );
        }
        for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
            let headers = [("content-type", media)];
            let answer = ann.client.send(method.clone(), path, &headers, b"{}".to_vec()).await;
            answer.expect_problem(415, "unsupported_media_type");
        }
    }
    for (method, path, body) in [
        (Method::POST, "/v1/users", json!({"username": 1})),
        (Method::POST, "/v1/sessions", json!({"login": ["ann"]})),
        (Method::POST, "/v1/sessions/refresh", json!({"refresh_token": 1})),
        (Method::PATCH, "/v1/me", json!({"bio": 1})),
        (Method::PATCH, "/v1/me", json!({"links": "https://example.com/"})),
        (Method::PATCH, "/v1/me/privacy", json!({"private_account": "yes"})),
        (Method::PUT, "/v1/me/username", json!({"username": 1})),
        (Method::POST, "/v1/me/deactivation", json!({"password": 1})),
        (Method::PUT, "/v1/me/password", json!({"current_password": "x", "new_password": 1})),
    ] {
        ann.client.json(method, path, &body).await.expect_problem(400, "invalid_body");
    }
    app.post("/v1/sessions/refresh", &json!({})).await.expect_problem(422, "validation_failed");
    app.post("/v1/sessions", &json!({})).await.expect_problem(422, "validation_failed");
    let long = json!({"login": "ann", "password": "x", "device_name": "x".repeat(101)});
    app.post("/v1/sessions", &long).await.expect_problem(422, "validation_failed");
}

async fn paths_and_queries_that_cannot_be_read(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    for id in ["abc", "-1", "0", "01", "18446744073709551616", "%00", "1%20"] {
        app.client.get(&format!("/v1/users/{id}")).await.expect_problem(400, "invalid_id");
        ann.client.delete(&format!("/v1/me/sessions/{id}")).await.expect_problem(400, "invalid_id");
    }
    for limit in ["0", "-1", "x", ""] {
        let answer = ann.client.get(&format!("/v1/me/sessions?limit={limit}")).await;
        answer.expect_problem(400, "invalid_limit");
    }
    ann.client.get("/v1/me/sessions?limit=1000").await.expect(200);
    for cursor in ["x", "", "AAAA", &"A".repeat(5_000)] {
        let answer = ann.client.get(&format!("/v1/me/sessions?cursor={cursor}")).await;
        answer.expect_problem(400, "invalid_cursor");
    }
    for query in ["nonsense=1", "limit=1&nonsense=1"] {
        let answer = ann.client.get(&format!("/v1/me/sessions?{query}")).await;
        answer.expect_problem(400, "invalid_query");
    }
    let me = format!("/v1/users/{}", ann.id);
    for (method, path) in [
        (Method::GET, "/v1/me"),
        (Method::HEAD, "/v1/me"),
        (Method::GET, me.as_str()),
        (Method::DELETE, "/v1/me/sessions/current"),
        (Method::POST, "/v1/me/email-verification"),
        (Method::GET, "/.well-known/jwks.json"),
    ] {
        let ask = async |client: &Client| {
            client.send(method.clone(), &format!("{path}?nonsense=1"), &[], Vec::new()).await
        };
        let answer = ask(&ann.client).await.expect(400);
        assert!(method == Method::HEAD || answer.code() == "invalid_query", "{method} {path}");
        // Who calls is asked first.
        let is_own = path.starts_with("/v1/me");
        ask(&app.client).await.expect(if is_own { 401 } else { 400 });
    }
    let answer = app.client.get("/v1/usernames/ann?nonsense=1").await.expect_problem(400, "invalid_query");
    assert!(answer.json()["detail"].as_str().unwrap().contains("nonsense"));
    ann.client.get("/v1/me").await.expect(200);
}

async fn tokens_that_are_not_valid(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let ann = app.register("ann").await;
    let good = ann.session["access_token"].as_str().unwrap();
    let [header, claims, tag] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("a JWT has three parts")
    };
    let stranger = TokenSigner::new(&Secret::random().unwrap()).unwrap();
    let (id, session) = (ann.id.parse().unwrap(), ann.session_id().parse().unwrap());
    let forged = stranger.sign(id, session, app.settings.clock.now()).unwrap();
    let refused = async |client: Client| {
        for path in ["/v1/me", "/v1/me/privacy", "/v1/me/sessions", "/v1/users/1", "/v1/users?ids=1"] {
            let answer = client.get(path).await.expect_problem(401, "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    };
    for bad in [
        forged,
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{tag}A"),
        format!("eyJhbGciOiJub25lIn0.{claims}."),
        ann.refresh_token().to_owned(),
        "x".to_owned(),
        "x".repeat(4_000),
    ] {
        refused(app.client.with_token(bad)).await;
    }
    for scheme in ["Basic YTpi", "Bearer", "Bearer ", good] {
        let answer = app.client.send(Method::GET, "/v1/me", &[("authorization", scheme)], Vec::new()).await;
        answer.expect_problem(401, "unauthenticated");
    }
    app.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
    app.relation_service().get("/v1/me").await.expect_problem(403, "not_for_services");
    ann.client.get("/v1/me").await.expect(200);
    app.settings.clock.advance(Duration::from_secs(600));
    refused(ann.client).await;
}

async fn routes_that_are_not_there(make: Make) {
    let app = TestApp::start(make);
    for path in ["/", "/v1", "/v1/nonsense", "/v1/users/1/nonsense", "/v2/me", "/v1/me/"] {
        app.client.get(path).await.expect_problem(404, "not_found");
    }
    for (method, path, allow) in [
        (Method::PUT, "/v1/users/5", "GET, HEAD"),
        (Method::DELETE, "/v1/users", "GET, HEAD, POST"),
        (Method::GET, "/v1/sessions", "POST"),
        (Method::GET, "/v1/sessions/refresh", "POST"),
        (Method::POST, "/v1/me", "GET, HEAD, PATCH"),
        (Method::POST, "/v1/me/sessions", "GET, HEAD, DELETE"),
        (Method::GET, "/v1/me/sessions/current", "DELETE"),
        (Method::DELETE, "/v1/me/privacy", "GET, HEAD, PATCH"),
        (Method::GET, "/v1/me/username", "PUT"),
    ] {
        let answer = app.client.send(method, path, &[], Vec::new()).await;
        let answer = answer.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
    assert_eq!(app.client.get("/livez").await.expect(200).bytes, b"ok");
    assert_eq!(app.client.get("/readyz").await.expect(200).bytes, b"ready");
    app.client.get("/docs/").await.expect(200);
    assert_eq!(app.client.get("/openapi.json").await.expect(200).json()["openapi"], "3.1.0");
    let keys = app.client.get("/.well-known/jwks.json").await.expect(200).json();
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
    assert!(keys["keys"][0].get("d").is_none());
}

async fn heads_are_pages_without_a_body(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let head = async |client: &Client, path: &str| client.send(Method::HEAD, path, &[], Vec::new()).await;
    for path in ["/v1/me", "/v1/me/sessions?limit=1", "/v1/usernames/bob", "/livez", "/docs/"] {
        let (whole, head) =
            (ann.client.get(path).await.expect(200), head(&ann.client, path).await.expect(200));
        assert_eq!(head.bytes, b"", "{path}");
        for name in ["content-type", "content-length", "etag"] {
            assert_eq!(head.header(name), whole.header(name), "{path} {name}");
        }
    }
    assert_eq!(head(&app.client, "/v1/me").await.expect(401).header("www-authenticate"), "Bearer");
    head(&app.client, "/v1/users/5").await.expect(404);
    assert_eq!(head(&ann.client, "/v1/me/sessions/5").await.expect(405).header("allow"), "DELETE");
    let stream = head(&app.relation_service(), "/v1/events/stream").await.expect(200);
    assert_eq!((stream.header("content-type"), &stream.bytes[..]), ("text/event-stream", &b""[..]));
}

/// B6: each answer is about its own request, however many fail at once.
async fn errors_of_many_at_once_do_not_meet(make: Make) {
    let app = TestApp::start(make);
    let ask = async |number: usize| {
        let id = format!("one-{number}");
        let headers = [("content-type", "application/json"), ("x-request-id", id.as_str())];
        let (body, status, said) = match number % 4 {
            0 => (format!(r#"{{"login": "x", "unknown_{number}": 1}}"#), 400, format!("unknown_{number}")),
            1 => (format!(r#"{{"password": "secret-{number}"}}"#), 422, "login".to_owned()),
            2 => (format!(r#"{{"login": "secret-{number}"}}"#), 422, "password".to_owned()),
            _ => (format!("secret-{number}"), 400, String::new()),
        };
        let answer = app.client.send(Method::POST, "/v1/sessions", &headers, body.into_bytes()).await;
        let answer = answer.expect(status);
        let text = String::from_utf8(answer.bytes.clone()).unwrap();
        assert_eq!(answer.json()["request_id"], json!(id));
        assert!(text.contains(&said) && !text.contains("secret-"), "{text}");
        let others = text.matches("unknown_").count();
        assert_eq!(others, usize::from(number.is_multiple_of(4)), "{text}");
    };
    for round in 0..10 {
        join_all((0..40).map(|number| ask(round * 40 + number))).await;
    }
}
