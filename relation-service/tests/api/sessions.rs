//! Who is let in: access tokens, revoked sessions, service tokens.

use std::time::Duration;

use shared::clock::Clock;
use shared::db::service_token;
use shared::secret::Secret;
use shared::testing::TestDatabase;
use shared::token::{ACCESS_TOKEN_LIFE, TokenSigner};

use crate::test_app::{TestApp, within};

const PROMISED: Duration = Duration::from_secs(5);

async fn a_revoked_session_is_refused_within_seconds(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let elsewhere = app.users.register("unused").1;
    let other_device = app.nobody.with_token(app.users.token(anna.id, elsewhere));
    anna.http.get("/v1/me/blocks").await.expect(200);
    app.users.revoke_session(anna.id, anna.session);
    within(PROMISED, "refused", async || anna.http.get("/v1/me/blocks").await.status == 401).await;
    let refused = anna.http.get(&ben.list("followers")).await.expect_problem(401, "unauthenticated");
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    other_device.get("/v1/me/blocks").await.expect(200);
    ben.http.get("/v1/me/blocks").await.expect(200);
    app.stop_service();
    app.start_service();
    app.until_ready().await;
    let after_restart = app.nobody.with_token(anna.token.as_str());
    after_restart.get("/v1/me/blocks").await.expect_problem(401, "unauthenticated");
    app.nobody.with_token(ben.token.as_str()).get("/v1/me/blocks").await.expect(200);
}

async fn tokens_that_are_not_genuine_are_refused(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let stranger = TokenSigner::new(&Secret::random().unwrap()).unwrap();
    let of_ben = ben.token.split('.').nth(1).unwrap();
    let parts: Vec<&str> = anna.token.split('.').collect();
    let bad = [
        app.users.old_token(anna.id, anna.session, ACCESS_TOKEN_LIFE + Duration::from_secs(1)),
        stranger.sign(anna.id, anna.session, Clock::system().now()).unwrap(),
        format!("{}.{of_ben}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", parts[1]),
        parts[..2].join("."),
        "x".repeat(3_000),
        "x".into(),
    ];
    for token in bad {
        let caller = app.nobody.with_token(token.as_str());
        for path in ["/v1/me/blocks".to_owned(), ben.list("followers"), ben.list("counts")] {
            let refused = caller.get(&path).await.expect_problem(401, "unauthenticated");
            assert_eq!(refused.header("www-authenticate"), "Bearer", "{token}");
        }
        caller.put(&format!("/v1/me/following/{}", ben.id)).await.expect_problem(401, "unauthenticated");
    }
    let almost = app.users.old_token(anna.id, anna.session, ACCESS_TOKEN_LIFE - Duration::from_secs(60));
    app.nobody.with_token(almost).get("/v1/me/blocks").await.expect(200);
    assert_eq!(app.revision().await, 0);
}

async fn other_schemes_are_refused(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let send = async |value: String| {
        let headers = [("authorization", value.as_str())];
        app.nobody.send(actix_web::http::Method::GET, "/v1/me/blocks", &headers, Vec::new()).await
    };
    for bad in ["Basic YTpi".into(), anna.token.clone(), "Bearer".into(), format!("Token {}", anna.token)] {
        send(bad).await.expect_problem(401, "unauthenticated");
    }
    send(format!("bearer {}", anna.token)).await.expect(200);
    app.nobody.get("/v1/me/blocks").await.expect_problem(401, "unauthenticated");
}

async fn services_are_not_people(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let service = app.service("feed", &["events", "relationships", "visibility"]);
    for path in ["/v1/me/blocks".to_owned(), "/v1/me/relationships?ids=1".into(), anna.list("followers")] {
        service.get(&path).await.expect_problem(403, "not_for_services");
    }
    service.put(&format!("/v1/me/following/{}", anna.id)).await.expect_problem(403, "not_for_services");
}

async fn a_revoked_service_token_is_refused(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("feed", &["events"]);
    service.get("/v1/events").await.expect(200);
    assert!(service_token::revoke(&mut app.writer(), "feed", Clock::system().now()).unwrap());
    within(PROMISED, "refused", async || service.get("/v1/events").await.status == 401).await;
}

shared::on_both_databases!(
    a_revoked_session_is_refused_within_seconds,
    tokens_that_are_not_genuine_are_refused,
    other_schemes_are_refused,
    services_are_not_people,
    a_revoked_service_token_is_refused,
);
