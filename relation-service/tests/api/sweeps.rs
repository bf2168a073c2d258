//! R19 to R21, and all requests at once: what is done in bounded steps.

use std::time::Duration;

use shared::facts::AccountStatus;
use shared::testing::TestDatabase;

use crate::events::{lines, read};
use crate::person::{Act, Person};
use crate::test_app::{TestApp, all, within};

/// More than two steps of the sweep.
const MANY: usize = 450;
const PROMISED: Duration = Duration::from_secs(5);

/// People who have all asked to follow `owner`.
async fn askers(app: &TestApp, owner: &Person, count: usize) -> Vec<Person> {
    let askers = app.crowd("asker", count).await;
    for some in askers.chunks(50) {
        for answer in all(some.iter().map(|asker| asker.try_act(Act::Follow, owner.id))).await {
            assert_eq!(answer.expect(200).json()["requested"], true);
        }
    }
    askers
}

async fn r19_going_public_accepts_all_pending(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    app.set_private(&anna, true).await;
    let askers = askers(&app, &anna, 3).await;
    let newest_first = anna.walk("/v1/me/follow-requests", 5).await;
    app.users.change(anna.id, "user.privacy_changed", |facts| facts.private_account = false);
    within(PROMISED, "accepted", async || anna.counts().await == [3, 0, 0, 0, 0]).await;
    for asker in &askers {
        assert_eq!(asker.sees(&anna).await, "following");
    }
    let feed = app.service("feed", &["events"]);
    let page = read(&feed, 3, 100).await;
    let expected: Vec<String> = newest_first
        .iter()
        .rev()
        .flat_map(|asker| {
            let accepted = |kind: &str| format!("{kind} {asker} {}", anna.id);
            [accepted("request.accepted"), accepted("follow.created")]
        })
        .collect();
    assert_eq!(lines(&page), expected, "the oldest request first, both events of a pair side by side");
    app.assert_sound().await;
}

async fn r19_going_public_accepts_more_than_one_step_holds(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    app.set_private(&anna, true).await;
    let askers = askers(&app, &anna, MANY).await;
    app.users.change(anna.id, "user.privacy_changed", |facts| facts.private_account = false);
    within(PROMISED, "accepted", async || anna.counts().await == [450, 0, 0, 0, 0]).await;
    assert_eq!(anna.walk(&anna.list("followers"), 100).await.len(), MANY);
    assert!(anna.walk("/v1/me/follow-requests", 100).await.is_empty());
    assert_eq!(askers[MANY - 1].sees(&anna).await, "following");
    app.assert_sound().await;
}

async fn r19_a_sweep_goes_on_after_a_restart(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    app.set_private(&anna, true).await;
    let askers = askers(&app, &anna, 3).await;
    app.stop_service();
    // As if the process had ended between the event and its first step.
    let sql = [
        format!("UPDATE user_facts SET private_account = 0 WHERE user_id = {}", anna.id),
        format!("INSERT INTO sweeps (user_id, kind) VALUES ({}, 1)", anna.id),
    ];
    for text in sql {
        shared::db::execute(&mut app.writer(), &text, &[]).unwrap();
    }
    app.start_service();
    let at_new_address = app.nobody.with_token(askers[0].token.as_str());
    let path = format!("/v1/me/relationships?ids={}", anna.id);
    within(PROMISED, "accepted", async || {
        at_new_address.get(&path).await.json()["items"][0]["relationship"]["following"] == true
    })
    .await;
    within(PROMISED, "accepted all", async || {
        app.nobody.get(&anna.list("counts")).await.json()["followers"] == 3
    })
    .await;
}

async fn r19_a_requester_of_whom_the_feed_has_not_told_is_accepted_too(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    app.set_private(&anna, true).await;
    app.users.hold_feed();
    let newcomer = app.newcomer("newcomer");
    assert!(newcomer.follow(&anna).await);
    assert_eq!(anna.http.post("/v1/me/follow-requests/accept-all").await.expect(200).json()["count"], 1);
    assert_eq!(newcomer.sees(&anna).await, "following");
    app.users.release_feed();
    app.assert_sound().await;
}

async fn r20_going_private_keeps_followers(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    ben.follow(&anna).await;
    let revision = app.revision().await;
    app.set_private(&anna, true).await;
    assert_eq!((ben.sees(&anna).await.as_str(), anna.counts().await), ("following", [1, 0, 0, 0, 0]));
    assert_eq!(app.revision().await, revision);
    carl.follow(&anna).await;
    assert_eq!(carl.sees(&anna).await, "requested");
}

async fn r21_a_follower_of_a_now_private_account_still_follows(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    ben.follow(&anna).await;
    app.set_private(&anna, true).await;
    assert!(!ben.follow(&anna).await);
    assert_eq!(ben.sees(&anna).await, "following");
    ben.act(Act::Unfollow, &anna).await;
    ben.follow(&anna).await;
    assert_eq!(ben.sees(&anna).await, "requested", "who has left must ask");
}

async fn all_requests_are_answered_at_once(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    app.set_private(&anna, true).await;
    let askers = askers(&app, &anna, 205).await;
    for (route, count) in [("reject-all", 205), ("reject-all", 0), ("accept-all", 0)] {
        let answer = anna.http.post(&format!("/v1/me/follow-requests/{route}")).await.expect(200).json();
        assert_eq!(answer, serde_json::json!({"count": count}), "{route}");
    }
    assert_eq!((anna.counts().await, askers[0].counts().await), ([0; 5], [0; 5]));
    for asker in &askers[..4] {
        asker.follow(&anna).await;
    }
    assert_eq!(anna.http.post("/v1/me/follow-requests/accept-all").await.expect(200).json()["count"], 4);
    assert_eq!(anna.counts().await, [4, 0, 0, 0, 0]);
    app.assert_sound().await;
}

async fn going_public_and_private_again_leaves_no_half_state(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    app.set_private(&anna, true).await;
    let askers = askers(&app, &anna, 30).await;
    for private in [false, true, false, true] {
        app.users.change(anna.id, "user.privacy_changed", |facts| facts.private_account = private);
    }
    app.users.applied().await;
    let [followers, _, _, waiting, _] = anna.counts().await;
    assert_eq!(followers + waiting, 30, "each pair is either accepted or still asked");
    app.set_status(&askers[0], AccountStatus::Suspended).await;
    app.set_private(&anna, false).await;
    within(PROMISED, "accepted", async || anna.walk("/v1/me/follow-requests", 100).await.is_empty()).await;
    app.assert_sound().await;
}

shared::on_both_databases!(
    r19_going_public_accepts_all_pending,
    r19_going_public_accepts_more_than_one_step_holds,
    r19_a_sweep_goes_on_after_a_restart,
    r19_a_requester_of_whom_the_feed_has_not_told_is_accepted_too,
    r20_going_private_keeps_followers,
    r21_a_follower_of_a_now_private_account_still_follows,
    all_requests_are_answered_at_once,
    going_public_and_private_again_leaves_no_half_state,
);
