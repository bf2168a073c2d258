//! user-service away, and back: what is known goes on, what is not says so and heals by itself.

use std::time::{Duration, Instant};

use actix_web::http::Method;
use shared::id::UserId;
use shared::testing::TestDatabase;

use crate::fake_user_service::Mode;
use crate::friends::befriend;
use crate::person::Act;
use crate::test_app::{TestApp, all, until};

async fn known_people_go_on_while_user_service_is_down(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    app.users.set_mode(Mode::Down);
    befriend(&anna, &ben).await;
    assert_eq!(anna.walk(&ben.list("friends"), 5).await, [anna.id]);
    assert_eq!(
        (anna.sees(&ben).await.as_str(), anna.counts().await),
        ("following followed_by friends", [1, 1, 1, 0, 0])
    );
    assert!(anna.block(&ben).await);
    let newcomer = app.newcomer("newcomer");
    let paths = [
        newcomer.list("followers"),
        newcomer.list("counts"),
        format!("/v1/me/relationships?ids={},{}", ben.id, newcomer.id),
        format!("/v1/me/explain?action=follow&user_id={}", newcomer.id),
    ];
    for answer in [anna.try_act(Act::Follow, newcomer.id).await, anna.try_act(Act::Block, newcomer.id).await]
    {
        let refused = answer.expect_problem(503, "unavailable");
        assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
    for path in paths {
        let refused = anna.http.get(&path).await.expect_problem(503, "unavailable");
        assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1, "{path}");
    }
    assert!(newcomer.follow(&anna).await, "a newcomer's own token is enough to act");
    app.users.set_mode(Mode::Up);
    until("healed", async || anna.try_act(Act::Follow, newcomer.id).await.status == 200).await;
    app.assert_sound().await;
}

async fn a_silent_user_service_does_not_hold_callers_for_long(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    app.users.set_mode(Mode::Silent);
    let newcomer = app.newcomer("newcomer");
    let started = Instant::now();
    anna.try_act(Act::Follow, newcomer.id).await.expect_problem(503, "unavailable");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(anna.follow(&ben).await);
    app.users.set_mode(Mode::Up);
    until("healed", async || anna.try_act(Act::Follow, newcomer.id).await.status == 200).await;
}

/// Questions that wait behind one another: nobody waits for those before theirs.
async fn nobody_waits_for_the_questions_of_others(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    app.users.set_mode(Mode::Silent);
    let ask = async |group: usize| {
        let ids: Vec<String> = (1..=100).map(|number| (group * 1_000 + number).to_string()).collect();
        let started = Instant::now();
        let answer = anna.http.get(&format!("/v1/counts?ids={}", ids.join(","))).await;
        answer.expect_problem(503, "unavailable");
        started.elapsed()
    };
    let waits = all((1..=4).map(ask)).await;
    assert!(waits.iter().all(|wait| *wait < Duration::from_millis(3_500)), "{waits:?}");
    app.users.set_mode(Mode::Up);
    let newcomer = app.newcomer("newcomer");
    until("healed", async || anna.try_act(Act::Follow, newcomer.id).await.status == 200).await;
}

async fn who_is_nobody_is_not_asked_about_each_time(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    app.users.hold_feed();
    let nobodys = |path: &str| path.replace("{id}", "77");
    for _ in 0..10 {
        anna.http.get(&nobodys("/v1/users/{id}/counts")).await.expect_problem(404, "user_not_found");
        anna.http.get(&nobodys("/v1/users/{id}/followers")).await.expect_problem(404, "user_not_found");
        let body = anna.http.get(&nobodys("/v1/me/relationships?ids={id}")).await.expect(200).json();
        assert_eq!(body["items"][0]["relationship"], serde_json::Value::Null);
    }
    let asked = app.users.questions().len();
    assert!(asked <= 3, "asked {asked} times");
    anna.try_act(Act::Follow, UserId::new(77)).await.expect_problem(404, "user_not_found");
    assert_eq!(app.users.questions().len(), asked + 1, "an act asks");
}

/// R47: an id that is about to be registered is asked about, however often it was nobody's until then.
async fn r47_who_was_nobody_a_moment_ago_is_found_at_once(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    app.users.hold_feed();
    for round in 0..5 {
        let id = app.users.next_id();
        for _ in 0..3 {
            anna.http.get(&format!("/v1/users/{id}/counts")).await.expect_problem(404, "user_not_found");
            anna.try_act(Act::Follow, id).await.expect_problem(404, "user_not_found");
        }
        app.users.register_as(id, &format!("late{round}"));
        anna.http.get(&format!("/v1/users/{id}/counts")).await.expect(200);
        anna.try_act(Act::Follow, id).await.expect(200);
    }
    app.users.release_feed();
    app.assert_sound().await;
}

/// What is done of a batch is told, also where somebody cannot be asked about.
async fn a_batch_tells_what_is_done_while_user_service_is_down(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    app.users.set_mode(Mode::Down);
    let newcomer = app.newcomer("newcomer");
    let batch = async |route: &str, ids: &[UserId]| {
        let body = serde_json::json!({"user_ids": ids});
        anna.http.json(Method::POST, &format!("/v1/me/following/{route}"), &body).await
    };
    let both = [newcomer.id, ben.id];
    for (route, word) in [("batch", "followed"), ("batch-remove", "removed")] {
        let body = batch(route, &both).await.expect(200).json();
        let expected = serde_json::json!([
            {"user_id": newcomer.id, "outcome": "refused", "code": "unavailable"},
            {"user_id": ben.id, "outcome": word},
        ]);
        assert_eq!(body["items"], expected);
        let refused = batch(route, &both[..1]).await.expect_problem(503, "unavailable");
        assert!(!refused.header("retry-after").is_empty());
    }
    app.users.set_mode(Mode::Up);
    app.assert_sound().await;
}

async fn news_of_an_outage_are_applied_afterwards(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    app.users.set_mode(Mode::Down);
    app.users.change(ben.id, "user.privacy_changed", |facts| facts.private_account = true);
    app.users.revoke_session(anna.id, anna.session);
    anna.http.get("/v1/me/blocks").await.expect(200);
    app.users.set_mode(Mode::Up);
    app.users.applied().await;
    anna.http.get("/v1/me/blocks").await.expect_problem(401, "unauthenticated");
    let [carl] = app.people(["carl"]).await;
    carl.follow(&ben).await;
    assert_eq!(carl.sees(&ben).await, "requested");
}

async fn a_restart_without_user_service_still_verifies_tokens(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    anna.follow(&ben).await;
    app.users.set_mode(Mode::Down);
    app.stop_service();
    app.start_service();
    let path = format!("/v1/me/relationships?ids={}", ben.id);
    let body = app.nobody.with_token(anna.token.as_str()).get(&path).await.expect(200).json();
    assert_eq!(body["items"][0]["relationship"]["following"], true);
    app.nobody.with_token("x").get(&path).await.expect_problem(401, "unauthenticated");
    app.nobody.get("/readyz").await.expect_problem(503, "not_ready");
    app.nobody.get("/livez").await.expect(200);
    app.users.set_mode(Mode::Up);
    app.until_ready().await;
    app.assert_sound().await;
}

async fn a_restart_keeps_everything_and_reads_no_event_twice(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    app.set_private(&ben, true).await;
    anna.follow(&ben).await;
    let revision = app.revision().await;
    app.stop_service();
    app.users.change(ben.id, "user.renamed", |facts| facts.username = "benedict".into());
    app.start_service();
    app.until_ready().await;
    app.users.applied().await;
    assert_eq!(app.revision().await, revision);
    let asked =
        app.nobody.with_token(ben.token.as_str()).get("/v1/me/follow-requests").await.expect(200).json();
    assert_eq!(asked["items"][0]["user_id"], anna.id.to_string());
    app.assert_sound().await;
}

async fn an_unreadable_event_is_parked_and_in_nobodys_way(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let nonsense = serde_json::json!({"username": 5});
    app.users.append("user.updated", anna.id, nonsense.clone(), None);
    app.users.append("session.revoked", anna.id, nonsense.clone(), None);
    app.users.append("something.new", anna.id, nonsense, None);
    app.set_private(&ben, true).await;
    anna.follow(&ben).await;
    assert_eq!(anna.sees(&ben).await, "requested", "what came after is applied");
    let findings = relation_service::store::audit::audit(&mut app.writer()).unwrap();
    let drift: Vec<_> = findings.iter().filter(|finding| finding.drift != 0).collect();
    assert_eq!(drift.len(), 1, "reported: {drift:?}");
    assert_eq!((drift[0].rule, drift[0].drift), ("every event of user-service could be read", 2));
}

shared::on_both_databases!(
    nobody_waits_for_the_questions_of_others,
    who_is_nobody_is_not_asked_about_each_time,
    r47_who_was_nobody_a_moment_ago_is_found_at_once,
    a_batch_tells_what_is_done_while_user_service_is_down,
    an_unreadable_event_is_parked_and_in_nobodys_way,
    known_people_go_on_while_user_service_is_down,
    a_silent_user_service_does_not_hold_callers_for_long,
    news_of_an_outage_are_applied_afterwards,
    a_restart_without_user_service_still_verifies_tokens,
    a_restart_keeps_everything_and_reads_no_event_twice,
);
