use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::{Value, json};
use shared::on_both_databases;

use crate::test_app::{Make, TestApp};

on_both_databases!(
    events_are_contiguous_and_in_pages,
    the_feed_is_for_services_with_the_scope,
    a_long_poll_wakes_up,
);

async fn events_are_contiguous_and_in_pages(make: Make) {
    let app = TestApp::start(make);
    for number in 0..7 {
        app.register(&format!("person{number}")).await;
    }
    let service = app.service(&["events"]);
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let page = service.get(&format!("/v1/events?after={after}&limit=3")).await.expect(200).json();
        assert_eq!(page["oldest"], 1);
        let items = page["items"].as_array().unwrap().clone();
        if items.is_empty() {
            assert_eq!(page["next_after"], json!(after));
            break;
        }
        after = page["next_after"].as_i64().unwrap();
        seen.extend(items);
    }
    let numbers: Vec<i64> = seen.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=7).collect::<Vec<_>>());
    let times: Vec<&str> = seen.iter().map(|event| event["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
    assert!(seen.iter().all(|event| event["cause"] == Value::Null));
}

async fn the_feed_is_for_services_with_the_scope(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    for path in ["/v1/events", "/v1/events/stream"] {
        app.client.get(path).await.expect_problem(401, "unauthenticated");
        ann.client.get(path).await.expect_problem(403, "only_for_services");
        app.service(&["audit"]).get(path).await.expect_problem(403, "missing_scope");
        app.client.with_token("mst_test.wrong").get(path).await.expect_problem(401, "unauthenticated");
    }
    app.relation_service().get("/v1/events").await.expect(200);
    let service = app.service(&["events"]);
    for query in ["after=-1", "after=x", "wait_ms=-1", "nonsense=1"] {
        service.get(&format!("/v1/events?{query}")).await.expect_problem(400, "invalid_query");
    }
    for limit in ["0", "x", "-1"] {
        service.get(&format!("/v1/events?limit={limit}")).await.expect_problem(400, "invalid_limit");
    }
    service.get("/v1/events?limit=99999999999").await.expect(200);
    // Beyond the end there is nothing, and the answer says where the end is.
    let beyond = service.get("/v1/events?after=999").await.expect(200).json();
    assert_eq!(beyond["items"], json!([]));
    assert!(beyond["newest"].as_i64().unwrap() < 999);
}

async fn a_long_poll_wakes_up(make: Make) {
    let app = TestApp::start(make);
    let service = app.service(&["events"]);
    let started = Instant::now();
    let (page, _) = join(service.get("/v1/events?wait_ms=20000"), app.register("ann")).await;
    assert_eq!(page.expect(200).json()["items"][0]["type"], "user.registered");
    assert!(started.elapsed() < Duration::from_secs(10));
    let started = Instant::now();
    let page = service.get("/v1/events?after=1&wait_ms=200").await.expect(200);
    assert_eq!(page.json()["items"], json!([]));
    assert!(started.elapsed() >= Duration::from_millis(200));
}
