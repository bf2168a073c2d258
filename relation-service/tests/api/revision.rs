//! `Mutual-Revision` and `Mutual-At-Least`.

use std::time::{Duration, Instant};

use actix_web::http::Method;
use shared::testing::{Answer, TestDatabase};

use crate::person::{Act, Person};
use crate::test_app::TestApp;

fn revision(answer: &Answer) -> i64 {
    answer.header("mutual-revision").parse().unwrap_or_else(|_| panic!("{:?}", answer.headers))
}

async fn at_least(person: &Person, path: &str, wanted: &str) -> Answer {
    person.http.send(Method::GET, path, &[("mutual-at-least", wanted)], Vec::new()).await
}

async fn every_answer_carries_its_revision(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    assert_eq!(app.revision().await, 0);
    assert_eq!(revision(&anna.try_act(Act::Follow, ben.id).await), 1);
    assert_eq!(revision(&ben.try_act(Act::Block, anna.id).await), 3);
    let paths = [
        "/readyz",
        "/livez",
        "/openapi.json",
        "/v1/me/blocks",
        "/v1/nothing",
        "/v1/users/1/counts",
        "/v1/users/x/counts",
        "/v1/events",
    ];
    for path in paths {
        assert_eq!(revision(&anna.http.get(path).await), 3, "{path}");
        assert_eq!(revision(&app.nobody.get(path).await), 3, "{path}");
    }
    assert_eq!(revision(&anna.http.post("/v1/me/blocks").await.expect(405)), 3);
    let large = anna.http.send(
        Method::PUT,
        "/v1/me/following/1",
        &[("content-type", "application/json")],
        vec![b' '; 70_000],
    );
    assert_eq!(revision(&large.await.expect(413)), 3);
}

async fn a_revision_that_is_there_is_answered_at_once(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    anna.follow(&ben).await;
    for wanted in ["0", "1"] {
        let answer = at_least(&anna, &ben.list("followers"), wanted).await.expect(200);
        assert_eq!(answer.json()["items"].as_array().unwrap().len(), 1);
    }
}

async fn a_read_waits_for_the_revision_that_it_wants(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    anna.follow(&ben).await;
    let path = ben.list("followers");
    let waiting = at_least(&anna, &path, "2");
    let (answer, _) = futures_util::future::join(waiting, carl.follow(&ben)).await;
    assert_eq!(answer.expect(200).json()["items"].as_array().unwrap().len(), 2);
}

async fn a_revision_that_does_not_come_is_503(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let started = Instant::now();
    let answer = at_least(&anna, &ben.list("followers"), "1").await.expect_problem(503, "not_caught_up");
    let waited = started.elapsed();
    assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert!(waited >= Duration::from_millis(950) && waited < Duration::from_secs(3), "{waited:?}");
}

async fn a_malformed_revision_is_400(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    for bad in ["", "x", "-1", "1.0", "1 2", "9223372036854775808", "99999999999999999999999"] {
        at_least(&anna, "/v1/me/blocks", bad).await.expect_problem(400, "invalid_revision");
    }
}

shared::on_both_databases!(
    every_answer_carries_its_revision,
    a_revision_that_is_there_is_answered_at_once,
    a_read_waits_for_the_revision_that_it_wants,
    a_revision_that_does_not_come_is_503,
    a_malformed_revision_is_400,
);
