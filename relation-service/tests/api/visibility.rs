//! R50 to R54: what other services ask before they show or deliver something.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::clock::{Clock, Micros};
use shared::facts::{AccountStatus, Audience, ListAudience};
use shared::id::UserId;
use shared::testing::{Answer, Client, TestDatabase};

use crate::explain::{SITUATIONS, arrange, explain};
use crate::fake_user_service::Mode;
use crate::friends::befriend;
use crate::person::{Act, Person};
use crate::test_app::{LIMITS, TestApp, until};

const PATH: &str = "/v1/visibility";
const ACTIONS: [&str; 7] =
    ["view_profile", "view_content", "follow", "message", "comment", "mention", "see_relations"];

/// Rounds of a block and a switch; `MUTUAL_TEST_ROUNDS` sets another number.
const ROUNDS: usize = 20;

fn rounds() -> usize {
    std::env::var("MUTUAL_TEST_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"))
}

fn check(viewer: Option<UserId>, owner: UserId, action: &str) -> Value {
    json!({"viewer_id": viewer, "owner_id": owner, "action": action})
}

async fn ask(service: &Client, checks: &[Value]) -> Answer {
    service.json(Method::POST, PATH, &json!({"checks": checks})).await
}

/// The answers as words: `-` is yes.
async fn words(service: &Client, checks: &[Value]) -> Vec<String> {
    let body = ask(service, checks).await.expect(200).json();
    let items = body["items"].as_array().unwrap();
    assert_eq!(items.len(), checks.len());
    let word = |item: &Value| {
        assert_eq!(item.as_object().unwrap().len(), 2, "{item}");
        assert_eq!(item["allow"] == true, item["reason"].is_null(), "{item}");
        item["reason"].as_str().unwrap_or("-").to_owned()
    };
    items.iter().map(word).collect()
}

/// All seven answers, in the order of [`ACTIONS`].
async fn seen(service: &Client, viewer: Option<UserId>, owner: UserId) -> String {
    words(service, &ACTIONS.map(|action| check(viewer, owner, action))).await.join(" ")
}

async fn r50_r51_checks_agree_with_lists_and_acts(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("gateway", &["visibility"]);
    let mut denied = 0;
    for situation in SITUATIONS {
        let [me, them] = app.people(["me", "them"]).await;
        arrange(&app, situation, &me, &them).await;
        for (viewer, owner) in [(&me, &them), (&them, &me)] {
            let answers =
                words(&service, &ACTIONS.map(|action| check(Some(viewer.id), owner.id, action))).await;
            let yes = |action| answers[ACTIONS.iter().position(|other| *other == action).unwrap()] == "-";
            let what = format!("{situation}: {answers:?}");
            if situation.contains("suspended") || situation.contains("block") {
                let word = if situation.contains("block") { "blocked" } else { "suspended" };
                assert!(answers.iter().all(|answer| answer == word), "{what}");
                denied += 1;
                continue;
            }
            let list = viewer.http.get(&owner.list("followers")).await.status.as_u16();
            assert_eq!(yes("see_relations"), list == 200, "{what}");
            assert_eq!(yes("view_profile"), list != 404, "{what}");
            assert_eq!(yes("view_content"), list == 200, "lists are for all who see content: {what}");
            let explained = explain(viewer, Act::Follow, owner.id).await;
            assert_eq!(json!(yes("follow")), explained["allowed"], "{what}");
        }
    }
    assert_eq!(denied, 10, "five situations, both ways");
}

async fn r51_private_is_for_accepted_followers_and_the_owner(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("gateway", &["visibility"]);
    let [owner, follower, asked, followed, stranger] =
        app.people(["owner", "follower", "asked", "followed", "stranger"]).await;
    follower.follow(&owner).await;
    app.set_private(&owner, true).await;
    asked.follow(&owner).await;
    owner.follow(&followed).await;
    let hidden = "- private_account - - - - private_account";
    for (viewer, expected) in [
        (&owner, "- - self_relation - - - -"),
        (&follower, "- - - - - - -"),
        (&asked, hidden),
        (&followed, hidden),
        (&stranger, hidden),
    ] {
        assert_eq!(seen(&service, Some(viewer.id), owner.id).await, expected);
    }
    let nameless = "- private_account sign_in_required sign_in_required sign_in_required sign_in_required \
        private_account";
    assert_eq!(seen(&service, None, owner.id).await, nameless);
    let left_out = json!({"owner_id": owner.id, "action": "view_content"});
    assert_eq!(words(&service, &[left_out]).await, ["private_account"]);
    app.change(&owner, |facts| facts.show_relations = ListAudience::OnlyMe).await;
    assert_eq!(seen(&service, Some(follower.id), owner.id).await, "- - - - - - nobody");
    app.change(&owner, |facts| {
        facts.private_account = false;
        facts.show_relations = ListAudience::Followers;
    })
    .await;
    assert_eq!(seen(&service, Some(stranger.id), owner.id).await, "- - - - - - followers_only");
}

async fn r52_addressing_goes_by_the_relation(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("gateway", &["visibility"]);
    let [owner, follower, followed, friend, stranger] =
        app.people(["owner", "follower", "followed", "friend", "stranger"]).await;
    follower.follow(&owner).await;
    owner.follow(&followed).await;
    befriend(&owner, &friend).await;
    let viewers = [&follower, &followed, &friend, &stranger, &owner];
    for (audience, allowed) in [
        (Audience::Everyone, ["-", "-", "-", "-", "-"]),
        (Audience::Followers, ["-", "followers_only", "-", "followers_only", "-"]),
        (Audience::Friends, ["friends_only", "friends_only", "-", "friends_only", "-"]),
        (Audience::Nobody, ["nobody", "nobody", "nobody", "nobody", "-"]),
    ] {
        for action in ["message", "comment", "mention"] {
            app.change(&owner, |facts| {
                let setting = match action {
                    "message" => &mut facts.messages_from,
                    "comment" => &mut facts.comments_from,
                    _ => &mut facts.mentions_from,
                };
                *setting = audience;
            })
            .await;
            let checks = viewers.map(|viewer| check(Some(viewer.id), owner.id, action));
            assert_eq!(words(&service, &checks).await, allowed, "{action} {audience:?}");
        }
    }
}

async fn r53_unknown_ids_spoil_no_other_answer(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("gateway", &["visibility"]);
    let [anna, ben, gone] = app.people(["anna", "ben", "gone"]).await;
    app.set_status(&gone, AccountStatus::Deactivated).await;
    let (unknown, largest) = (UserId::new(1), UserId::new(i64::MAX));
    let checks = [
        check(Some(anna.id), ben.id, "message"),
        check(Some(anna.id), unknown, "message"),
        check(Some(unknown), ben.id, "view_profile"),
        check(Some(unknown), unknown, "view_profile"),
        check(Some(largest), gone.id, "follow"),
        check(Some(gone.id), ben.id, "view_content"),
        check(None, unknown, "view_profile"),
        check(Some(anna.id), ben.id, "message"),
    ];
    let expected = ["-", "unknown", "unknown", "unknown", "deactivated", "deactivated", "unknown", "-"];
    assert_eq!(words(&service, &checks).await, expected);
    let newcomer = app.newcomer("newcomer");
    let fresh =
        [check(Some(newcomer.id), ben.id, "follow"), check(Some(ben.id), newcomer.id, "view_content")];
    assert_eq!(words(&service, &fresh).await, ["-", "-"], "who has just registered is asked about");
    app.users.set_mode(Mode::Down);
    let other = UserId::new(2);
    let never = [check(Some(anna.id), ben.id, "message"), check(Some(anna.id), other, "view_profile")];
    assert_eq!(words(&service, &never).await, ["-", "unconfirmed"], "nobody can be asked");
}

async fn many_checks_are_answered_in_order(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("gateway", &["visibility"]);
    let [anna] = app.people(["anna"]).await;
    let crowd = app.crowd("person", 50).await;
    for person in crowd.iter().step_by(3) {
        person.block(&anna).await;
    }
    let checks: Vec<Value> =
        (0..500).map(|number| check(Some(anna.id), crowd[number % 50].id, ACTIONS[number % 7])).collect();
    let expected: Vec<&str> = (0..500).map(|n| if (n % 50) % 3 == 0 { "blocked" } else { "-" }).collect();
    assert_eq!(words(&service, &checks).await, expected);
    let one_more = [checks, vec![check(None, anna.id, "view_profile")]].concat();
    ask(&service, &one_more).await.expect_problem(400, "too_many_ids");
}

/// R54, with and without the word of a revision, and the word itself.
async fn r54_what_was_answered_is_honoured(make: impl Fn() -> TestDatabase) {
    let app = TestApp::beside_others(make).await;
    let service = app.service("gateway", &["visibility"]);
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let checks = [check(Some(ben.id), anna.id, "view_content"), check(Some(anna.id), ben.id, "follow")];
    let body = json!({"checks": checks}).to_string().into_bytes();
    let second = app.second_instance().await;
    let elsewhere = second.as_ref().map(|(_, base)| service.at(base));
    for round in 0..rounds() {
        assert_eq!(words(&service, &checks).await, ["-", "-"], "round {round}");
        let blocked = anna.try_act(Act::Block, ben.id).await.expect(200);
        let revision = blocked.header("mutual-revision");
        let headers = [("content-type", "application/json"), ("mutual-at-least", revision)];
        let answer = service.send(Method::POST, PATH, &headers, body.clone()).await.expect(200);
        assert_eq!(answer.header("mutual-revision"), revision, "a read states what it has read");
        let denied = json!({"allow": false, "reason": "blocked"});
        assert_eq!(answer.json(), json!({"items": [denied, denied]}), "round {round}");
        if let Some(elsewhere) = &elsewhere {
            assert_eq!(words(elsewhere, &checks).await, ["blocked", "blocked"], "round {round}");
        }
        anna.act(Act::Unblock, &ben).await;
        app.set_private(&anna, true).await;
        for service in [Some(&service), elsewhere.as_ref()].into_iter().flatten() {
            assert_eq!(words(service, &checks).await, ["private_account", "-"], "round {round}");
        }
        app.set_private(&anna, false).await;
    }
    let beyond = (app.revision().await + 1).to_string();
    let headers = [("content-type", "application/json"), ("mutual-at-least", beyond.as_str())];
    service.send(Method::POST, PATH, &headers, body).await.expect_problem(503, "not_caught_up");
}

async fn the_route_is_for_services_with_the_scope(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let checks = [check(Some(anna.id), anna.id, "view_profile")];
    ask(&app.nobody, &checks).await.expect_problem(401, "unauthenticated");
    ask(&anna.http, &checks).await.expect_problem(403, "only_for_services");
    let other = app.service("other", &["events", "relationships", "fanout", "audit", "facts"]);
    ask(&other, &checks).await.expect_problem(403, "missing_scope");
    let service = app.service("gateway", &["visibility"]);
    ask(&service, &checks).await.expect(200);
    ask(&service, &[]).await.expect_problem(422, "validation_failed");
    for (bad, code) in [
        (json!({"checks": [{"viewer_id": "1", "owner_id": "1", "action": 1}]}), "invalid_body"),
        (json!({"checks": [{"viewer_id": "1", "owner_id": "1", "action": null}]}), "invalid_body"),
        (json!({"checks": [{"viewer_id": "1", "owner_id": "x", "action": "message"}]}), "invalid_body"),
        (json!({"checks": [{"viewer_id": 1, "owner_id": "1", "action": "message"}]}), "invalid_body"),
        (json!({"checks": [{"viewer_id": "1", "action": "message"}]}), "invalid_body"),
        (json!({"checks": [{"owner_id": "1", "action": "message", "what": 1}]}), "invalid_body"),
        (json!({"checks": {}}), "invalid_body"),
        (json!({}), "invalid_body"),
        (json!([]), "invalid_body"),
    ] {
        service.json(Method::POST, PATH, &bad).await.expect_problem(400, code);
    }
}

async fn actions_that_there_are_not_are_all_told_of(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let service = app.service("gateway", &["visibility"]);
    let checks = ["dance", "message", ""].map(|action| check(Some(anna.id), anna.id, action));
    let refused = ask(&service, &checks).await.expect_problem(422, "validation_failed").json();
    let errors = refused["errors"].as_array().unwrap();
    let told = errors.iter().map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()));
    let expected = [("checks[0].action", "invalid_format"), ("checks[2].action", "invalid_format")];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert!(errors[0]["detail"].as_str().unwrap().contains(&ACTIONS.join(", ")), "{refused}");
}

/// What the copy cannot vouch for, and what it can.
async fn news_that_wait_too_long_close_what_depends_on_privacy(make: impl Fn() -> TestDatabase) {
    let clock = Clock::fixed(Micros::new(Clock::system().now().get()));
    let app = TestApp::with_clock(make, LIMITS, clock.clone()).await;
    let service = app.service("gateway", &["visibility"]);
    let [owner, follower, stranger] = app.people(["owner", "follower", "stranger"]).await;
    follower.follow(&owner).await;
    let seen_by = async |viewer: &Person| seen(&service, Some(viewer.id), owner.id).await;
    let open = "- - - - - - -";
    // Away, it tells of no news: nobody can have changed anything that was answered.
    app.users.set_mode(Mode::Down);
    clock.advance(Duration::from_secs(60));
    assert_eq!((seen_by(&stranger).await, seen_by(&follower).await), (open.into(), open.into()));
    app.users.set_mode(Mode::Up);
    app.users.applied().await;
    app.users.stall_feed();
    app.users.change(owner.id, "user.privacy_changed", |facts| facts.private_account = true);
    let closed = "- unconfirmed - unconfirmed unconfirmed unconfirmed unconfirmed";
    until("known to wait", async || {
        clock.advance(Duration::from_secs(11));
        seen_by(&stranger).await == closed
    })
    .await;
    let to_follower = "- - - unconfirmed unconfirmed unconfirmed unconfirmed";
    assert_eq!(seen_by(&follower).await, to_follower, "who is accepted is accepted under any setting");
    app.users.resume_feed();
    until("taken in", async || seen_by(&stranger).await == "- private_account - - - - private_account").await;
    assert_eq!(seen_by(&follower).await, open);
}

shared::on_both_databases!(
    r50_r51_checks_agree_with_lists_and_acts,
    r51_private_is_for_accepted_followers_and_the_owner,
    r52_addressing_goes_by_the_relation,
    r53_unknown_ids_spoil_no_other_answer,
    many_checks_are_answered_in_order,
    r54_what_was_answered_is_honoured,
    the_route_is_for_services_with_the_scope,
    actions_that_there_are_not_are_all_told_of,
    news_that_wait_too_long_close_what_depends_on_privacy,
);
