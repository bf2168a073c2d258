//! Section 6: what the feed says about a history, and who may read it.

use std::time::{Duration, Instant};

use serde_json::Value;
use shared::id::UserId;
use shared::testing::{Client, TestDatabase};

use crate::friends::befriend;
use crate::person::Act;
use crate::test_app::{TestApp, all};

/// A page of the feed, after checking its numbers.
pub async fn read(feed: &Client, after: i64, limit: i64) -> Value {
    let page = feed.get(&format!("/v1/events?after={after}&limit={limit}")).await.expect(200).json();
    let items = page["items"].as_array().unwrap();
    for (item, seq) in items.iter().zip(after + 1..) {
        assert_eq!(item["seq"], seq, "contiguous from the one after `after`");
        assert!(item["at"].as_str().unwrap().ends_with('Z') && item["data"].is_object());
    }
    assert_eq!(page["next_after"], after + i64::try_from(items.len()).unwrap());
    assert_eq!(page["oldest"], 1);
    page
}

/// `type actor subject`, and the cause where there is one, of each event.
pub fn lines(page: &Value) -> Vec<String> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let line = |item: &Value| {
        let words = ["type", "actor_id", "subject_id", "cause"].map(|name| text(item, name));
        words.join(" ").trim().to_owned()
    };
    page["items"].as_array().unwrap().iter().map(line).collect()
}

async fn a_scripted_history_is_told_in_order(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    app.set_private(&carl, true).await;
    let script = [
        (&anna, Act::Follow, &ben, "follow.created anna ben"),
        (&anna, Act::Follow, &ben, ""),
        (&ben, Act::Follow, &anna, "follow.created ben anna"),
        (&anna, Act::Unfollow, &ben, "follow.removed anna ben unfollow"),
        (&anna, Act::RemoveFollower, &ben, "follow.removed ben anna removed_by_target"),
        (&anna, Act::Follow, &carl, "request.created anna carl"),
        (&carl, Act::Accept, &anna, "request.accepted anna carl\nfollow.created anna carl"),
        (&ben, Act::Follow, &carl, "request.created ben carl"),
        (&ben, Act::Unfollow, &carl, "request.removed ben carl cancelled"),
        (&ben, Act::Follow, &carl, "request.created ben carl"),
        (&carl, Act::Reject, &ben, "request.removed ben carl rejected"),
        (&carl, Act::Follow, &anna, "follow.created carl anna"),
        (
            &anna,
            Act::Block,
            &carl,
            "follow.removed anna carl block\nfollow.removed carl anna block\nblock.created anna carl",
        ),
        (&anna, Act::Block, &carl, ""),
        (&anna, Act::Unblock, &carl, "block.removed anna carl"),
        (&anna, Act::Follow, &carl, "request.created anna carl"),
        (&carl, Act::Block, &anna, "request.removed anna carl block\nblock.created carl anna"),
        (&anna, Act::Unfollow, &ben, ""),
    ];
    for (one, act, other, _) in &script {
        one.try_act(*act, other.id).await.expect(200);
    }
    let expected: Vec<&str> = script.iter().flat_map(|(_, _, _, lines)| lines.lines()).collect();
    let names = [("anna", anna.id), ("ben", ben.id), ("carl", carl.id)];
    let named = |line: &String| {
        names.iter().fold(line.clone(), |line, (name, id)| line.replace(&id.to_string(), name))
    };
    let feed = app.service("feed", &["events"]);
    let whole = read(&feed, 0, 1_000).await;
    assert_eq!(lines(&whole).iter().map(named).collect::<Vec<_>>(), expected);
    let times: Vec<&str> =
        whole["items"].as_array().unwrap().iter().map(|item| item["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
    let mut after = 0;
    let mut pieces = Vec::new();
    while after < i64::try_from(expected.len()).unwrap() {
        let page = read(&feed, after, 3).await;
        pieces.extend(page["items"].as_array().unwrap().clone());
        after = page["next_after"].as_i64().unwrap();
    }
    assert_eq!(&Value::Array(pieces), &whole["items"], "in pieces it is the same");
    assert_eq!(app.revision().await, after);
    assert!(read(&feed, after + 5, 3).await["items"].as_array().unwrap().is_empty());
}

async fn numbers_stay_contiguous_under_load(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let people = app.crowd("person", 12).await;
    let feed = app.service("feed", &["events"]);
    let reader = async {
        let (mut after, mut seen) = (0, Vec::new());
        while seen.len() < 132 {
            let path = format!("/v1/events?after={after}&limit=7&wait_ms=5000");
            let page = feed.get(&path).await.expect(200).json();
            let items = page["items"].as_array().unwrap().clone();
            assert!(!items.is_empty(), "an event is lost after {after}");
            for item in items {
                after += 1;
                assert_eq!(item["seq"], after);
                seen.push((item["actor_id"].clone(), item["subject_id"].clone()));
            }
        }
        seen
    };
    let pairs = people.iter().flat_map(|one| people.iter().map(move |other| (one, other)));
    let writes = pairs
        .filter(|(one, other)| one.id != other.id)
        .map(|(one, other)| one.try_act(Act::Follow, other.id));
    let (mut seen, _) = futures_util::future::join(reader, all(writes)).await;
    seen.sort_by_key(|(actor, subject)| format!("{actor}{subject}"));
    seen.dedup();
    assert_eq!(seen.len(), 132, "each follow once");
    app.assert_sound().await;
}

async fn a_waiting_reader_is_woken(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let feed = app.service("feed", &["events"]);
    let started = Instant::now();
    let empty = feed.get("/v1/events?after=0&wait_ms=50").await.expect(200).json();
    assert!(empty["items"].as_array().unwrap().is_empty() && started.elapsed() >= Duration::from_millis(50));
    let started = Instant::now();
    let waiting = feed.get("/v1/events?after=0&wait_ms=20000");
    let (woken, _) = futures_util::future::join(waiting, anna.follow(&ben)).await;
    assert_eq!(lines(&woken.expect(200).json()), [format!("follow.created {} {}", anna.id, ben.id)]);
    assert!(started.elapsed() < Duration::from_secs(10), "it did not wait for the end");
}

async fn the_feed_is_for_services_with_the_scope(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let (with, without) = (app.service("with", &["audit", "events"]), app.service("without", &["audit"]));
    for path in ["/v1/events", "/v1/events/stream"] {
        let nobody = app.nobody.get(path).await.expect_problem(401, "unauthenticated");
        assert_eq!(nobody.header("www-authenticate"), "Bearer");
        anna.http.get(path).await.expect_problem(403, "only_for_services");
        without.get(path).await.expect_problem(403, "missing_scope");
        for wrong in ["mst_with.wrong", "mst_unknown.x", "mst_", "mst_relation-service.x", "nonsense", ""] {
            app.nobody.with_token(wrong).get(path).await.expect_problem(401, "unauthenticated");
        }
    }
    with.get("/v1/events").await.expect(200);
    let internal = app.users.secret.as_internal_token();
    app.nobody.with_token(internal.reveal()).get("/v1/events").await.expect(200);
    for bad in [
        "limit=0",
        "limit=abc",
        "limit=-1",
        "after=-1",
        "after=x",
        "after=18446744073709551615",
        "wait_ms=-1",
        "what=1",
    ] {
        let answer = with.get(&format!("/v1/events?{bad}")).await.expect(400);
        assert!(["invalid_query", "invalid_limit"].contains(&answer.code().as_str()), "{bad}");
    }
    with.get("/v1/events?limit=1001").await.expect(200);
}

async fn events_that_are_gone_are_410(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let people = app.crowd("person", 4).await;
    for other in &people[1..] {
        people[0].follow(other).await;
    }
    shared::db::execute(&mut app.writer(), "DELETE FROM events WHERE seq <= 2", &[]).unwrap();
    let feed = app.service("feed", &["events"]);
    for path in ["/v1/events?after=0", "/v1/events?after=1", "/v1/events/stream?after=1"] {
        let gone = feed.get(path).await.expect_problem(410, "events_expired").json();
        assert_eq!(gone["oldest"], 3, "{path}");
    }
    let rest = feed.get("/v1/events?after=2").await.expect(200).json();
    let subjects: Vec<UserId> = rest["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["subject_id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!((subjects, &rest["oldest"]), (vec![people[3].id], &3.into()));
}

async fn friends_in_the_feed_are_two_follows(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    befriend(&anna, &ben).await;
    let page = read(&app.service("feed", &["events"]), 0, 10).await;
    let expected =
        [(&anna, &ben), (&ben, &anna)].map(|(one, other)| format!("follow.created {} {}", one.id, other.id));
    assert_eq!(lines(&page), expected);
}

shared::on_both_databases!(
    a_scripted_history_is_told_in_order,
    numbers_stay_contiguous_under_load,
    a_waiting_reader_is_woken,
    the_feed_is_for_services_with_the_scope,
    events_that_are_gone_are_410,
    friends_in_the_feed_are_two_follows,
);
