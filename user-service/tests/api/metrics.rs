//! What the program tells its operator, on a listener of its own.

use actix_web::http::Method;
use shared::on_both_databases;

use crate::program::Ground;
use crate::test_app::Make;

on_both_databases!(the_program_counts_what_it_answers);

async fn the_program_counts_what_it_answers(make: Make) {
    let ground = Ground::new(make());
    let program = ground.start(&[]);
    let (client, admin) = (&program.client, program.admin());
    for id in ["1", "2"] {
        client.get(&format!("/v1/users/{id}")).await.expect(404);
    }
    client.get("/v1/users/x").await.expect(400);
    client.get("/livez").await.expect(200);
    client.send(Method::HEAD, "/livez", &[], Vec::new()).await.expect(200);
    client.post("/v1/users").await.expect(400);
    // What is no route is counted together, or anybody could make series without end.
    client.get("/v1/nothing/secret-1").await.expect(404);
    client.send(Method::DELETE, "/livez", &[], Vec::new()).await.expect(405);
    client.get("/metrics").await.expect(404);
    let answer = admin.get("/metrics").await.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain"));
    let text = String::from_utf8(answer.bytes).unwrap();
    let series = |name: &str, labels: &[(&str, &str)]| {
        let named = |line: &&str| {
            let fits = |(label, value): &(&str, &str)| line.contains(&format!("{label}=\"{value}\""));
            line.split(['{', ' ']).next() == Some(name) && labels.iter().all(fits)
        };
        let lines: Vec<&str> = text.lines().filter(named).collect();
        assert_eq!(lines.len(), 1, "{name} {labels:?}: {lines:?}\n{text}");
        lines[0].rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    for (method, route, status, count) in [
        ("GET", "/v1/users/{id}", "4xx", 3.0),
        ("GET", "/livez", "2xx", 2.0),
        ("POST", "/v1/users", "4xx", 1.0),
        ("other", "other", "4xx", 3.0),
    ] {
        let labels = [("service", "user-service"), ("method", method), ("route", route)];
        assert_eq!(series("mutual_http_request_seconds_count", &labels), count, "{route}");
        assert!(series("mutual_http_request_seconds_sum", &labels) > 0.0, "{route}");
        let endless = [&labels[..], &[("le", "+Inf")]].concat();
        assert_eq!(series("mutual_http_request_seconds_bucket", &endless), count, "{route}");
        let of_status = [&labels[..], &[("status", status)]].concat();
        assert_eq!(series("mutual_http_requests_total", &of_status), count, "{route}");
    }
    assert!(!text.contains("secret-1"), "{text}");
}
