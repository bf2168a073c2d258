//! What is asked of user-service for a request's sake is asked in its name.

use actix_web::http::Method;
use shared::testing::TestDatabase;

use crate::test_app::TestApp;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn a_question_is_asked_in_the_name_of_the_request(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    app.users.hold_feed();
    let before = app.users.questions().len();
    // What is malformed is dropped.
    for (id, sent, told) in [("first", PARENT, PARENT), ("second", "00-0-0-00", ""), ("third", "", "")] {
        let path = format!("/v1/me/following/{}", app.newcomer(id).id);
        let headers = [("x-request-id", id), ("traceparent", sent)];
        let headers = if sent.is_empty() { &headers[..1] } else { &headers[..] };
        anna.http.send(Method::PUT, &path, headers, Vec::new()).await.expect(200);
        let asked = app.users.questions();
        let header = |name| asked.last().unwrap().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!((header("x-request-id"), header("traceparent")), (id, told));
    }
    assert_eq!(app.users.questions().len(), before + 3);
}

shared::on_both_databases!(a_question_is_asked_in_the_name_of_the_request);
