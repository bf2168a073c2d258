//! The feed as server-sent events.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use shared::testing::{Client, TestDatabase};
use tokio::time::timeout;

use crate::events::read;
use crate::test_app::{TestApp, until};

/// Reads events from a stream until there are `count`; checks that `id` and `event` say what `data` does.
pub async fn take(base: &str, token: &str, last_seen: Option<i64>, count: usize) -> Vec<Value> {
    let http = awc::Client::builder().timeout(Duration::from_secs(20)).finish();
    let mut request = http.get(format!("{base}/v1/events/stream")).bearer_auth(token);
    if let Some(seq) = last_seen {
        request = request.insert_header(("last-event-id", seq.to_string()));
    }
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
    let mut text = String::new();
    let mut events = Vec::new();
    while events.len() < count {
        let piece = timeout(Duration::from_secs(20), response.next()).await.expect("an event in time");
        text.push_str(std::str::from_utf8(&piece.expect("the stream goes on").unwrap()).unwrap());
        while let Some((block, rest)) = text.split_once("\n\n") {
            events.extend(event_of(block));
            text = rest.to_owned();
        }
    }
    events
}

/// One block of a stream; a comment is none.
fn event_of(block: &str) -> Option<Value> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data: Value = serde_json::from_str(field("data")?).unwrap();
    assert_eq!(field("id"), Some(data["seq"].to_string().as_str()));
    assert_eq!(field("event"), data["type"].as_str());
    Some(data)
}

async fn a_stream_delivers_and_resumes(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let people = app.crowd("person", 5).await;
    let internal = app.users.secret.as_internal_token();
    let token = internal.reveal();
    let feed: Client = app.nobody.with_token(token);
    people[0].follow(&people[1]).await;
    people[0].follow(&people[2]).await;
    let first = take(&app.url(""), token, None, 2).await;
    assert_eq!(Value::Array(first), read(&feed, 0, 10).await["items"]);
    let base = app.url("");
    let live = take(&base, token, Some(2), 2);
    let writes = async {
        people[0].follow(&people[3]).await;
        people[0].follow(&people[4]).await;
    };
    let (live, ()) = futures_util::future::join(live, writes).await;
    assert_eq!(Value::Array(live), read(&feed, 2, 10).await["items"]);
    let resumed = take(&app.url(""), token, Some(1), 3).await;
    assert_eq!(Value::Array(resumed), read(&feed, 1, 10).await["items"]);
}

async fn an_open_stream_does_not_keep_others_waiting(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let internal = app.users.secret.as_internal_token();
    let [anna, ben] = app.people(["anna", "ben"]).await;
    anna.follow(&ben).await;
    let http = awc::Client::builder().timeout(Duration::from_secs(20)).finish();
    let mut open = Vec::new();
    for _ in 0..30 {
        let request = http.get(app.url("/v1/events/stream")).bearer_auth(internal.reveal());
        open.push(request.send().await.unwrap());
    }
    until("answered", async || ben.counts().await == [1, 0, 0, 0, 0]).await;
    assert!(anna.act(crate::person::Act::Unfollow, &ben).await);
    assert_eq!(open.len(), 30);
}

shared::on_both_databases!(a_stream_delivers_and_resumes, an_open_stream_does_not_keep_others_waiting);
