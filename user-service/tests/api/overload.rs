use std::io::{Read, Write};
use std::net::TcpStream;

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::json;
use shared::on_both_databases;
use shared::testing::TestDatabase;
use user_service::config::{PasswordCost, Switch};

use crate::test_app::{Make, PASSWORD, TestApp};

on_both_databases!(
    a_network_that_asks_too_often_waits,
    no_spelling_gets_around_a_limit,
    only_a_trusted_proxy_is_believed
);

async fn a_network_that_asks_too_often_waits(make: Make) {
    let app = TestApp::start_with(make, |settings| {
        settings.rate_limits = Switch::On;
        settings.limits.registrations_per_hour = 2;
        settings.limits.logins_per_15_min = 3;
    });
    let first = app.try_register("ann").await.expect(201);
    assert_eq!((first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")), ("2", "1"));
    // Whatever comes of it, it counts.
    app.try_register("ann").await.expect_problem(409, "username_taken");
    let refused = app.try_register("bob").await.expect_problem(429, "rate_limited");
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((3_590..=3_600).contains(&wait), "{wait}");
    assert_eq!(refused.header("x-ratelimit-reset"), refused.header("retry-after"));
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    for _ in 0..3 {
        app.try_log_in("ann", "wrong").await.expect_problem(401, "invalid_credentials");
    }
    let refused = app.try_log_in("ann", "wrong").await.expect_problem(429, "rate_limited");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() <= 900);
    // Reading is not limited, and does not count.
    for _ in 0..10 {
        app.client.get("/v1/users/by-username/ann").await.expect(200);
    }
}

/// Whatever a request looks like, it is counted or it is no login.
async fn no_spelling_gets_around_a_limit(make: Make) {
    let app = TestApp::start_with(make, |settings| {
        settings.rate_limits = Switch::On;
        settings.limits.logins_per_15_min = 1;
    });
    app.register("ann").await;
    app.try_log_in("ann", PASSWORD).await.expect(201);
    let body = json!({"login": "ann", "password": PASSWORD}).to_string().into_bytes();
    for path in [
        "/v1/sessions",
        "/v1/sessions?x=1",
        "/v1/sessions#x",
        "/v1/sessions/",
        "//v1/sessions",
        "/v1//sessions",
        "/v1/./sessions",
        "/v1/x/../sessions",
        "/V1/Sessions",
        "/v1/%73essions",
        "/v1/sessions%2f",
        "/%761/sessions",
        "/v1/sessions;x=1",
        "/v1/sessions%20",
        "/v1/sessions%00",
    ] {
        for (name, value) in [
            ("x-forwarded-for", "203.0.113.7"),
            ("forwarded", "for=203.0.113.7"),
            ("x-real-ip", "203.0.113.7"),
            ("x-http-method-override", "GET"),
            ("mutual-device", "x"),
        ] {
            let headers = [("content-type", "application/json"), (name, value)];
            let answer = app.client.send(Method::POST, path, &headers, body.clone()).await;
            let status = answer.status.as_u16();
            // 400: nothing is tried for a request that cannot be read.
            assert!([400, 404, 429].contains(&status), "{path} with {name}: {status}");
        }
    }
}

async fn only_a_trusted_proxy_is_believed(make: Make) {
    let app = TestApp::start_with(make, |settings| {
        settings.rate_limits = Switch::On;
        settings.limits.logins_per_15_min = 1;
        settings.trusted_proxies = "127.0.0.1".parse().unwrap();
    });
    app.register("ann").await;
    let body = json!({"login": "ann", "password": PASSWORD}).to_string().into_bytes();
    let post = |told: &'static str| {
        let (app, body) = (&app, body.clone());
        async move {
            let headers = [("content-type", "application/json"), ("x-forwarded-for", told)];
            app.client.send(Method::POST, "/v1/sessions", &headers, body).await
        }
    };
    post("203.0.113.7").await.expect(201);
    // What stands before it is the client's own word.
    post("198.51.100.1, 203.0.113.7").await.expect_problem(429, "rate_limited");
    post("203.0.113.8").await.expect(201);
    // One customer's IPv6 addresses are one network.
    post("2001:db8::1").await.expect(201);
    post("2001:db8::2").await.expect(429);
    // Who does not say from where they come are the proxy itself.
    post("unknown").await.expect(201);
    post("198.51.100.2, nonsense").await.expect(429);
}

#[actix_web::test]
async fn logins_beyond_the_queue_are_refused_early_and_reads_go_on() {
    let app = TestApp::start_with(TestDatabase::sqlite, |settings| {
        settings.passwords.password_cost = PasswordCost::Standard;
        settings.passwords.hash_threads = 1;
    });
    app.register("ann").await;
    let body = json!({"login": "ann", "password": "wrong password"});
    let flood = join_all((0..120).map(|_| app.post("/v1/sessions", &body)));
    let reads = join_all((0..20).map(|_| app.client.get("/v1/users/by-username/ann")));
    let (answers, reads) = futures_util::future::join(flood, reads).await;
    assert!(reads.iter().all(|answer| answer.status.as_u16() == 200));
    let (refused, served): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status.as_u16() == 503);
    assert!(refused.len() >= 10, "only {} were refused", refused.len());
    for answer in refused {
        let answer = answer.expect_problem(503, "overloaded");
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
    for answer in served {
        answer.expect_problem(401, "invalid_credentials");
    }
}

/// A body that does not come holds its place for a bounded time.
#[actix_web::test]
async fn a_body_that_dribbles_is_given_up() {
    let app = TestApp::start(TestDatabase::sqlite);
    let address = app.base.trim_start_matches("http://").to_owned();
    let answered = actix_web::web::block(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(shared::http::BODY_WAIT * 2)).unwrap();
        let head = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{";
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    });
    let answered = answered.await.unwrap();
    assert!(answered.starts_with("HTTP/1.1 408"), "{answered}");
}
