//! Whatever is sent, the answer is the contract's problem, never a 5xx, and nothing changes.

use actix_web::http::Method;
use shared::testing::{Answer, Client, TestDatabase};

use crate::test_app::TestApp;

const JSON: &str = "application/json";
const BAD_IDS: [&str; 8] = ["abc", "-1", "0", "01", "+1", "18446744073709551616", "1.0", "%20"];

/// One request and what it is answered.
type Row<'a> = (Method, &'a str, &'a str, &'a [u8], u16, &'a str);

fn row<'a>(
    method: Method,
    path: &'a str,
    content_type: &'a str,
    body: &'a [u8],
    status: u16,
    code: &'a str,
) -> Row<'a> {
    (method, path, content_type, body, status, code)
}

async fn check(client: &Client, rows: &[Row<'_>]) {
    for (method, path, content_type, body, status, code) in rows {
        let headers: &[(&str, &str)] =
            if content_type.is_empty() { &[] } else { &[("content-type", content_type)] };
        let answer = client.send(method.clone(), path, headers, body.to_vec()).await;
        let place = format!(
            "{method} {path} {content_type} {}",
            String::from_utf8_lossy(&body[..body.len().min(60)])
        );
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (*status, *code), "{place}");
        assert_whole(&answer, &place);
    }
}

/// The form of every problem, and no word of what is inside.
fn assert_whole(answer: &Answer, place: &str) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{place}");
    let body = answer.json();
    assert_eq!(body["status"], answer.status.as_u16(), "{place}");
    for field in ["type", "title", "detail", "code", "request_id"] {
        assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{place}: {field}");
    }
    assert_eq!(body["request_id"], answer.header("x-request-id"), "{place}");
    let text = String::from_utf8_lossy(&answer.bytes).to_lowercase();
    for inside in
        ["edges_", "user_facts", "sqlite", "postgres", "panicked", ".rs", "backtrace", "diesel", "select "]
    {
        assert!(!text.contains(inside), "{place} names {inside}: {text}");
    }
}

async fn bad_bodies_are_refused(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, other] = app.people(["me", "other"]).await;
    let follow = format!("/v1/me/following/{}", other.id);
    let follow = follow.as_str();
    let (batch, remove) = ("/v1/me/following/batch", "/v1/me/following/batch-remove");
    let put = |content_type, body, status, code| row(Method::PUT, follow, content_type, body, status, code);
    let many: String = (1..=101).map(|id| format!("\"{id}\",")).collect();
    let too_many = format!("{{\"user_ids\":[{}]}}", many.trim_end_matches(','));
    let large = vec![b' '; 1 << 20];
    let deep = "[".repeat(60_000);
    let mut rows: Vec<Row<'_>> = vec![
        put(JSON, b"{", 400, "malformed_json"),
        put(JSON, b"{\"notify\": tru}", 400, "malformed_json"),
        put(JSON, b"\xff\xfe", 400, "malformed_json"),
        put(JSON, b"{\"notify\": true} x", 400, "malformed_json"),
        put(JSON, deep.as_bytes(), 400, "invalid_body"),
        put(JSON, b"{\"notify\": \"yes\"}", 400, "invalid_body"),
        put(JSON, b"{\"notify\": 1}", 400, "invalid_body"),
        put(JSON, b"{\"what\": 1}", 400, "invalid_body"),
        put(JSON, b"{\"notify\": true, \"notify\": false}", 400, "invalid_body"),
        put(JSON, b"[]", 400, "invalid_body"),
        put(JSON, b"7", 400, "invalid_body"),
        put("text/plain", b"{}", 415, "unsupported_media_type"),
        put("application/x-www-form-urlencoded", b"notify=true", 415, "unsupported_media_type"),
        put("", b"{}", 415, "unsupported_media_type"),
        put(JSON, &large, 413, "body_too_large"),
    ];
    for path in [batch, remove] {
        let post = |body, status, code| row(Method::POST, path, JSON, body, status, code);
        rows.extend([
            post(b"", 400, "malformed_json"),
            post(b"{}", 400, "invalid_body"),
            post(b"{\"user_ids\": 5}", 400, "invalid_body"),
            post(b"{\"user_ids\": [5]}", 400, "invalid_body"),
            post(b"{\"user_ids\": [\"x\"]}", 400, "invalid_body"),
            post(b"{\"user_ids\": [\"-5\"]}", 400, "invalid_body"),
            post(b"{\"user_ids\": [\"18446744073709551616\"]}", 400, "invalid_body"),
            post(b"{\"user_ids\": [null]}", 400, "invalid_body"),
            post(b"{\"user_ids\": [], \"more\": 1}", 400, "invalid_body"),
            post(b"{\"user_ids\": []}", 422, "validation_failed"),
            post(too_many.as_bytes(), 400, "too_many_ids"),
            post(&large, 413, "body_too_large"),
        ]);
    }
    check(&me.http, &rows).await;
    assert_eq!((app.revision().await, me.counts().await), (0, [0; 5]));
    app.assert_sound().await;
}

async fn bad_ids_are_refused(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me] = app.people(["me"]).await;
    for id in BAD_IDS {
        let mut routes: Vec<(Method, String)> =
            crate::person::Act::ALL.into_iter().map(|act| act.request(id)).collect();
        let lists = ["followers", "following", "friends", "counts"];
        routes.extend(lists.map(|list| (Method::GET, format!("/v1/users/{id}/{list}"))));
        let rows: Vec<Row<'_>> = routes
            .iter()
            .map(|(method, path)| (method.clone(), path.as_str(), "", &b""[..], 400, "invalid_id"))
            .collect();
        check(&me.http, &rows).await;
    }
    let path = |id: &str| format!("/v1/me/following/{id}");
    for absent in ["9223372036854775807", "1"] {
        me.http.put(&path(absent)).await.expect_problem(404, "user_not_found");
    }
    assert_eq!(app.revision().await, 0);
}

async fn bad_queries_are_refused(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me] = app.people(["me"]).await;
    let followers = me.list("followers");
    let of_list: Vec<String> = [
        "what=1",
        "order=newest&order=oldest",
        "order=random",
        "order=",
        "expand=all",
        "limit=1&limit=2",
        "Limit=1",
        "offset=0",
    ]
    .map(|query| format!("{followers}?{query}"))
    .into();
    let own = [
        "/v1/me/blocks?order=oldest",
        "/v1/me/mutes?order=oldest",
        "/v1/me/close-friends?expand=user",
        "/v1/me/follow-requests?what=1",
        "/v1/me/follow-requests/sent?expand=user",
    ];
    let others = [
        "/v1/me/relationships?ids=1&what=1",
        "/v1/counts?ids=1&what=1",
        "/v1/counts",
        "/v1/me/explain?action=follow&user_id=1&what=1",
        "/v1/me/explain?action=follow&user_id=x",
        "/v1/me/explain?user_id=1",
    ];
    let paths = of_list.iter().map(String::as_str).chain(own).chain(others);
    let rows: Vec<Row<'_>> =
        paths.map(|path| (Method::GET, path, "", &b""[..], 400, "invalid_query")).collect();
    check(&me.http, &rows).await;
    let without = [
        (Method::GET, format!("/v1/users/{}/counts?x=1", me.id)),
        (Method::PUT, format!("/v1/me/following/{}?notify=true", me.id)),
        (Method::DELETE, format!("/v1/me/blocks/{}?x", me.id)),
        (Method::POST, "/v1/me/follow-requests/accept-all?=1".to_owned()),
        (Method::GET, "/livez?x=1".to_owned()),
    ];
    let rows: Vec<Row<'_>> =
        without.iter().map(|(how, path)| row(how.clone(), path, "", b"", 400, "invalid_query")).collect();
    check(&me.http, &rows).await;
    // Who calls is asked first, as everywhere.
    let path = "/v1/me/follow-requests/accept-all?x=1";
    app.nobody.post(path).await.expect_problem(401, "unauthenticated");
    me.http.post("/v1/visibility?x=1").await.expect_problem(403, "only_for_services");
    me.http.get("/openapi.json?x=1").await.expect(200);
    let limits = ["0", "-1", "abc"].map(|limit| format!("{followers}?limit={limit}"));
    let rows: Vec<Row<'_>> =
        limits.iter().map(|path| (Method::GET, path.as_str(), "", &b""[..], 400, "invalid_limit")).collect();
    check(&me.http, &rows).await;
    me.http.get(&format!("{followers}?limit=101")).await.expect(200);
    assert_eq!(app.revision().await, 0);
}

async fn unknown_paths_and_methods_are_refused(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me] = app.people(["me"]).await;
    let nowhere = [
        "/",
        "/v1",
        "/v1/",
        "/v1/me",
        "/v2/me/blocks",
        "/v1/me/blocks/",
        "/v1/users/1",
        "/v1/users/1/followers/x",
        "/v1/me//blocks",
        "/.env",
        "/v1/%00",
        "/v1/..%2f..%2fetc",
    ];
    let rows: Vec<Row<'_>> = nowhere.map(|path| (Method::GET, path, "", &b""[..], 404, "not_found")).into();
    check(&me.http, &rows).await;
    for (method, path, allow) in [
        (Method::POST, "/v1/me/following/1", "PUT, DELETE"),
        (Method::GET, "/v1/me/following/1", "PUT, DELETE"),
        (Method::PATCH, "/v1/me/blocks/1", "PUT, DELETE"),
        (Method::PUT, "/v1/me/blocks", "GET, HEAD"),
        (Method::GET, "/v1/me/following/batch", "POST"),
        // Another path's parameter would take it.
        (Method::PUT, "/v1/me/following/batch", "POST"),
        (Method::DELETE, "/v1/me/following/batch-remove", "POST"),
        (Method::GET, "/v1/me/follow-requests/1/accept", "POST"),
        (Method::DELETE, "/v1/users/1/followers", "GET, HEAD"),
        (Method::POST, "/v1/users/1/counts", "GET, HEAD"),
        (Method::GET, "/v1/me/followers/1", "DELETE"),
        (Method::POST, "/v1/events", "GET, HEAD"),
        (Method::POST, "/livez", "GET, HEAD"),
    ] {
        let answer = me.http.send(method.clone(), path, &[], Vec::new()).await;
        let answer = answer.expect_problem(405, "method_not_allowed");
        assert_whole(&answer, path);
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    assert_eq!(app.revision().await, 0);
}

async fn request_ids_are_taken_over_or_made(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let ask = async |id: &str| {
        let answer =
            app.nobody.send(Method::GET, "/v1/users/1/counts", &[("x-request-id", id)], Vec::new()).await;
        let answer = answer.expect_problem(404, "user_not_found");
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(ask("abc-123_x.y:z").await, "abc-123_x.y:z");
    for bad in ["", "with space", "<script>", &"x".repeat(129)] {
        let made = ask(bad).await;
        assert!(made != bad && made.len() == 16, "{made}");
    }
    assert_ne!(ask("").await, ask("").await);
}

shared::on_both_databases!(
    bad_bodies_are_refused,
    bad_ids_are_refused,
    bad_queries_are_refused,
    unknown_paths_and_methods_are_refused,
    request_ids_are_taken_over_or_made,
);
