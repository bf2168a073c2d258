//! What both services in one process tell their operator.

use std::collections::BTreeMap;

use actix_web::http::Method;
use shared::db::DatabaseUrl;
use shared::metric::ALL;
use shared::testing::Client;

use crate::world::{Ground, on_both_grounds};

on_both_grounds!(both_services_are_counted_apart, every_metric_is_explained);

async fn both_services_are_counted_apart(ground: Ground) {
    let world = ground.serve();
    let (ann, bob) = (world.register("ann_of_here").await, world.register("bob_of_here").await);
    ann.follow(&bob).await;
    ann.users.get("/metrics").await.expect(404);
    ann.relations.get("/metrics").await.expect(404);
    let metrics = Client::new(&world.admin).get("/metrics").await.expect(200);
    let text = String::from_utf8(metrics.bytes).unwrap();
    for line in [
        r#"mutual_http_requests_total{service="user-service",method="POST",route="/v1/users",status="2xx"} 2"#,
        r#"mutual_http_requests_total{service="relation-service",method="PUT",route="/v1/me/following/{id}",status="2xx"} 1"#,
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
    }
}

/// The metrics of the table in the operator's manual, with their types.
fn documented() -> BTreeMap<String, String> {
    let manual = include_str!("../../../docs/operations.md");
    let rows = manual.lines().filter_map(|line| line.strip_prefix("| `mutual_"));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    cells.map(|row| (format!("mutual_{}", row[0].trim_end_matches('`')), row[1].to_owned())).collect()
}

async fn every_metric_is_explained(ground: Ground) {
    // Where others may commit, memory is asked about first.
    let at_once = matches!(ground.user_url(), DatabaseUrl::Sqlite(_));
    let world = ground.serve_with(&["--nats-url", "nats://127.0.0.1:1"]);
    let (ann, bob) = (world.register("ann_of_here").await, world.register("bob_of_here").await);
    ann.follow(&bob).await;
    // The first of each loads what is not remembered yet.
    for _ in 0..2 {
        ann.users.get(&format!("/v1/users/{}", bob.id)).await.expect(200);
        ann.relations.get(&format!("/v1/users/{}/counts", bob.id)).await.expect(200);
    }
    ann.relations
        .send(Method::GET, "/v1/me/blocks", &[("mutual-at-least", "999")], Vec::new())
        .await
        .expect(503);
    let text = String::from_utf8(Client::new(&world.admin).get("/metrics").await.expect(200).bytes).unwrap();
    let refused =
        r#"mutual_http_refusals_total{service="relation-service",status="503",code="not_caught_up"} 1"#;
    assert!(text.lines().any(|line| line == refused), "{text}");
    let named = |mark: &str| -> BTreeMap<String, String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(mark)?.split_once(' '));
        lines.map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect()
    };
    let (types, helps, documented) = (named("# TYPE "), named("# HELP "), documented());
    for (name, kind) in &types {
        assert_eq!(documented.get(name), Some(kind), "{name} stands in the manual");
        assert!(helps.get(name).is_some_and(|help| help.len() > 5), "{name} is explained");
    }
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let name = line.split(['{', ' ']).next().unwrap();
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        assert!(
            types.contains_key(name) || of_histogram.is_some_and(|name| types.contains_key(name)),
            "{line}"
        );
    }
    let all: BTreeMap<String, String> =
        ALL.iter().map(|(name, kind, _)| ((*name).to_owned(), format!("{kind:?}").to_lowercase())).collect();
    assert_eq!(all, documented, "the manual has all of them, and no other");
    for service in ["user-service", "relation-service"] {
        let told = text.contains(&format!(r#"mutual_http_at_once_total{{service="{service}"}} "#));
        assert_eq!(told, at_once, "{service}");
    }
    // There are no mails yet, NATS is not there, nobody else commits, and allocations are not counted.
    let untold: Vec<&String> = all.keys().filter(|name| !types.contains_key(*name)).collect();
    let may_be = [
        "mutual_allocations",
        "mutual_http_at_once",
        "mutual_mails",
        "mutual_publisher_published",
        "mutual_publisher_lag",
        "mutual_current_reads",
        "mutual_tail",
    ];
    assert!(untold.iter().all(|name| may_be.iter().any(|may_be| name.starts_with(may_be))), "{untold:?}");
}
