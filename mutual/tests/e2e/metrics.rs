//! What both services in one process tell their operator.

use shared::testing::Client;

use crate::world::{Ground, on_both_grounds};

on_both_grounds!(both_services_are_counted_apart);

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
