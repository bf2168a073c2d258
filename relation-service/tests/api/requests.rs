//! R12 to R18 and R22 to R24: requests to private accounts.

use serde_json::Value;
use shared::facts::AccountStatus;
use shared::testing::TestDatabase;

use crate::person::{Act, Person, ids, true_words};
use crate::test_app::{TestApp, all};

const RECEIVED: &str = "/v1/me/follow-requests";
const SENT: &str = "/v1/me/follow-requests/sent";

/// Anna, who is private, and others.
async fn private_anna<const N: usize>(app: &TestApp, others: [&str; N]) -> (Person, [Person; N]) {
    let [anna] = app.people(["anna"]).await;
    app.set_private(&anna, true).await;
    (anna, app.people(others).await)
}

async fn r12_a_private_account_is_asked(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let (anna, [ben]) = private_anna(&app, ["ben"]).await;
    let body = ben.try_act(Act::Follow, anna.id).await.expect(200).json();
    assert_eq!((true_words(&body).as_str(), &body["followed_at"]), ("requested changed", &Value::Null));
    assert_eq!(anna.sees(&ben).await, "requested_by");
    assert_eq!((anna.counts().await, ben.counts().await), ([0, 0, 0, 1, 0], [0, 0, 0, 0, 1]));
    app.assert_sound().await;
}

async fn r13_asking_again_is_one_request(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let (anna, [ben]) = private_anna(&app, ["ben"]).await;
    ben.follow(&anna).await;
    let (listed, revision) = (anna.http.get(RECEIVED).await.bytes, app.revision().await);
    assert!(!ben.follow(&anna).await);
    assert_eq!((anna.http.get(RECEIVED).await.bytes, app.revision().await), (listed, revision));
    assert_eq!(anna.counts().await, [0, 0, 0, 1, 0]);
}

async fn r14_accepting_makes_a_follow_with_its_options(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let (anna, [ben]) = private_anna(&app, ["ben"]).await;
    ben.follow_with_notify(&anna, true).await;
    let body = anna.try_act(Act::Accept, ben.id).await.expect(200).json();
    assert_eq!(
        (true_words(&body).as_str(), &body["user_id"]),
        ("followed_by changed", &ben.id.to_string().into())
    );
    assert_eq!(ben.sees(&anna).await, "following notify");
    assert_eq!((anna.counts().await, ben.counts().await), ([1, 0, 0, 0, 0], [0, 1, 0, 0, 0]));
    assert!(anna.walk(RECEIVED, 10).await.is_empty() && ben.walk(SENT, 10).await.is_empty());
    assert_eq!(anna.walk(&anna.list("followers"), 10).await, [ben.id]);
    app.assert_sound().await;
}

async fn r15_what_was_not_asked_cannot_be_answered(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let (anna, [ben, carl, dora]) = private_anna(&app, ["ben", "carl", "dora"]).await;
    dora.follow(&anna).await;
    anna.act(Act::Accept, &dora).await;
    carl.follow(&anna).await;
    app.set_status(&carl, AccountStatus::Deactivated).await;
    let revision = app.revision().await;
    for act in [Act::Accept, Act::Reject] {
        for stranger in [&ben, &carl, &dora] {
            anna.try_act(act, stranger.id).await.expect_problem(404, "no_such_request");
        }
        carl.try_act(act, anna.id).await.expect_problem(404, "no_such_request");
        anna.try_act(act, 1).await.expect(404);
    }
    assert_eq!(app.revision().await, revision);
    app.set_status(&carl, AccountStatus::Active).await;
    assert!(anna.act(Act::Accept, &carl).await, "who comes back finds the request waiting");
    app.assert_sound().await;
}

async fn r16_of_two_accepts_one_is_told_404(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let (anna, _) = private_anna(&app, []).await;
    for (round, ben) in app.crowd("ben", 20).await.into_iter().enumerate() {
        ben.follow(&anna).await;
        let mut answers = all((0..2).map(|_| anna.try_act(Act::Accept, ben.id))).await;
        answers.sort_by_key(|answer| answer.status);
        assert_eq!(answers[0].clone().expect(200).json()["changed"], true);
        answers[1].clone().expect_problem(404, "no_such_request");
        let followers = i64::try_from(round).unwrap() + 1;
        assert_eq!(anna.counts().await, [followers, 0, 0, 0, 0]);
    }
    app.assert_sound().await;
}

async fn r17_who_is_rejected_is_not_told_and_may_ask_again(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let (anna, [ben, stranger]) = private_anna(&app, ["ben", "stranger"]).await;
    ben.follow_with_notify(&anna, true).await;
    assert!(anna.act(Act::Reject, &ben).await);
    assert_eq!(ben.relationship(&anna).await, stranger.relationship(&anna).await, "nothing is left");
    assert_eq!((anna.counts().await, ben.counts().await), ([0; 5], [0; 5]));
    assert!(ben.follow(&anna).await);
    assert_eq!(ben.sees(&anna).await, "requested");
    app.assert_sound().await;
}

async fn r18_received_requests_are_newest_first_without_hidden_people(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let (anna, [ben, carl, dora]) = private_anna(&app, ["ben", "carl", "dora"]).await;
    for asker in [&ben, &carl, &dora] {
        asker.follow(&anna).await;
    }
    let item = &anna.http.get(RECEIVED).await.expect(200).json()["items"][0];
    assert_eq!(item.as_object().unwrap().keys().collect::<Vec<_>>(), ["requested_at", "user_id"]);
    for limit in [1, 2, 100] {
        assert_eq!(anna.walk(RECEIVED, limit).await, ids(&[&dora, &carl, &ben]));
    }
    app.set_status(&carl, AccountStatus::Suspended).await;
    for limit in [1, 2, 100] {
        assert_eq!(anna.walk(RECEIVED, limit).await, ids(&[&dora, &ben]));
    }
    app.set_status(&carl, AccountStatus::Active).await;
    assert_eq!(anna.walk(RECEIVED, 2).await, ids(&[&dora, &carl, &ben]));
}

async fn r22_a_block_either_way_removes_requests_both_ways(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    app.set_private(&anna, true).await;
    app.set_private(&ben, true).await;
    for (blocker, blocked) in [(&anna, &ben), (&ben, &anna)] {
        anna.follow(&ben).await;
        ben.follow(&anna).await;
        assert_eq!(anna.counts().await, [0, 0, 0, 1, 1]);
        blocker.block(blocked).await;
        assert_eq!(
            (blocker.sees(blocked).await, blocked.sees(blocker).await),
            ("blocking".into(), String::new())
        );
        assert_eq!((anna.counts().await, ben.counts().await), ([0; 5], [0; 5]));
        assert!(anna.walk(RECEIVED, 5).await.is_empty() && anna.walk(SENT, 5).await.is_empty());
        blocker.act(Act::Unblock, blocked).await;
    }
    app.assert_sound().await;
}

async fn r23_the_sent_list_shows_what_is_still_open(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let others = app.crowd("private", 4).await;
    for other in &others {
        app.set_private(other, true).await;
        anna.follow(other).await;
    }
    let [accepts, rejects, cancelled, open] = [0, 1, 2, 3].map(|number| &others[number]);
    assert_eq!(anna.walk(SENT, 2).await, ids(&[open, cancelled, rejects, accepts]));
    accepts.act(Act::Accept, &anna).await;
    assert_eq!(anna.walk(SENT, 1).await, ids(&[open, cancelled, rejects]));
    rejects.act(Act::Reject, &anna).await;
    anna.act(Act::Unfollow, cancelled).await;
    assert_eq!(anna.walk(SENT, 1).await, ids(&[open]));
    assert_eq!(anna.counts().await, [0, 1, 0, 0, 1]);
    assert!(cancelled.walk(RECEIVED, 5).await.is_empty());
    app.assert_sound().await;
}

async fn r24_two_crossing_requests_stay_two(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    app.set_private(&anna, true).await;
    app.set_private(&ben, true).await;
    let answers = all([anna.try_act(Act::Follow, ben.id), ben.try_act(Act::Follow, anna.id)]).await;
    for answer in answers {
        answer.expect(200);
    }
    assert_eq!(
        (anna.sees(&ben).await, ben.sees(&anna).await),
        ("requested requested_by".into(), "requested requested_by".into())
    );
    anna.act(Act::Accept, &ben).await;
    assert_eq!(
        (anna.sees(&ben).await, ben.sees(&anna).await),
        ("followed_by requested".into(), "following requested_by".into())
    );
    ben.act(Act::Accept, &anna).await;
    assert_eq!(anna.sees(&ben).await, "following followed_by friends");
    app.assert_sound().await;
}

shared::on_both_databases!(
    r12_a_private_account_is_asked,
    r13_asking_again_is_one_request,
    r14_accepting_makes_a_follow_with_its_options,
    r15_what_was_not_asked_cannot_be_answered,
    r16_of_two_accepts_one_is_told_404,
    r17_who_is_rejected_is_not_told_and_may_ask_again,
    r18_received_requests_are_newest_first_without_hidden_people,
    r22_a_block_either_way_removes_requests_both_ways,
    r23_the_sent_list_shows_what_is_still_open,
    r24_two_crossing_requests_stay_two,
);
