//! R1 to R8 and R10: following and unfollowing.

use actix_web::http::Method;
use serde_json::json;
use shared::facts::AccountStatus;
use shared::testing::TestDatabase;

use crate::person::{Act, comparable, true_words};
use crate::test_app::{TestApp, all};

async fn r01_a_public_account_is_followed_at_once(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let body = anna.try_act(Act::Follow, ben.id).await.expect(200).json();
    assert_eq!(true_words(&body), "following changed");
    let at = body["followed_at"].as_str().unwrap();
    assert!(at.len() == 24 && at.ends_with('Z'), "{at}");
    let mut fields: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields.join(" "),
        "blocking changed close_friend followed_at followed_by followed_by_at following friends \
         mute_expires_at mute_notifications muting note notify requested requested_by user_id"
    );
    let seen = ben.relationship(&anna).await;
    assert_eq!((true_words(&seen).as_str(), seen["followed_by_at"].as_str()), ("followed_by", Some(at)));
    assert_eq!((anna.counts().await, ben.counts().await), ([0, 1, 0, 0, 0], [1, 0, 0, 0, 0]));
    app.assert_sound().await;
}

async fn r02_following_again_changes_nothing(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    assert!(anna.follow(&ben).await);
    let (before, revision) = (anna.relationship(&ben).await, app.revision().await);
    assert!(!anna.follow(&ben).await);
    assert_eq!((anna.relationship(&ben).await, app.revision().await), (before, revision));
    assert_eq!((anna.counts().await, ben.counts().await), ([0, 1, 0, 0, 0], [1, 0, 0, 0, 0]));
}

async fn r03_nobody_has_a_relation_with_themselves(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    for act in Act::ALL {
        anna.try_act(act, anna.id).await.expect_problem(422, "self_relation");
    }
    assert_eq!(app.revision().await, 0);
}

async fn r04_hidden_people_look_like_nobody(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let nobody = anna.try_act(Act::Follow, 1).await.expect_problem(404, "user_not_found");
    for status in [AccountStatus::Suspended, AccountStatus::Deactivated, AccountStatus::Deleted] {
        app.set_status(&ben, status).await;
        let answer = anna.try_act(Act::Follow, ben.id).await;
        assert_eq!(comparable(&answer), comparable(&nobody), "{status:?}");
    }
    for act in Act::ALL {
        let code = if matches!(act, Act::Accept | Act::Reject) { "" } else { "user_not_found" };
        let answer = anna.try_act(act, 1).await.expect(404);
        assert!(code.is_empty() || answer.code() == code, "{act:?}");
    }
    assert_eq!((app.revision().await, anna.counts().await), (0, [0; 5]));
}

async fn r05_a_blocked_follow_looks_like_unknown(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    ben.block(&anna).await;
    let nobody = anna.try_act(Act::Follow, 1).await.expect_problem(404, "user_not_found");
    let blocked = anna.try_act(Act::Follow, ben.id).await;
    assert_eq!(comparable(&blocked), comparable(&nobody), "they block me");
    ben.try_act(Act::Follow, anna.id).await.expect_problem(403, "you_block_them");
    anna.block(&ben).await;
    anna.try_act(Act::Follow, ben.id).await.expect_problem(403, "you_block_them");
    app.assert_sound().await;
}

async fn r06_only_the_options_sent_change(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let first = anna.follow_with_notify(&ben, true).await;
    assert_eq!(true_words(&first), "following notify changed");
    assert!(!anna.follow(&ben).await);
    let body = anna.http.json(Method::PUT, &format!("/v1/me/following/{}", ben.id), &json!({})).await;
    assert_eq!(true_words(&body.expect(200).json()), "following notify");
    let revision = app.revision().await;
    let off = anna.follow_with_notify(&ben, false).await;
    assert_eq!(true_words(&off), "following changed");
    assert_eq!(off["followed_at"], first["followed_at"]);
    assert_eq!(true_words(&anna.follow_with_notify(&ben, false).await), "following");
    assert_eq!(app.revision().await, revision, "an option is no event");
    assert_eq!(anna.counts().await, [0, 1, 0, 0, 0]);
}

async fn r07_unfollowing_leaves_the_reverse_edge(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    anna.follow_with_notify(&ben, true).await;
    ben.follow(&anna).await;
    assert!(anna.act(Act::Unfollow, &ben).await);
    assert_eq!((anna.sees(&ben).await, ben.sees(&anna).await), ("followed_by".into(), "following".into()));
    assert_eq!((anna.counts().await, ben.counts().await), ([1, 0, 0, 0, 0], [0, 1, 0, 0, 0]));
    anna.follow(&ben).await;
    assert_eq!(anna.sees(&ben).await, "following followed_by friends", "the option ended with the follow");
    app.assert_sound().await;
}

async fn r08_unfollowing_a_stranger_changes_nothing(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    assert!(!anna.act(Act::Unfollow, &ben).await);
    assert_eq!(app.revision().await, 0);
    app.set_private(&carl, true).await;
    anna.follow(&carl).await;
    assert!(anna.act(Act::Unfollow, &carl).await, "a request is taken back");
    assert_eq!((anna.sees(&carl).await.as_str(), carl.counts().await), ("", [0; 5]));
    anna.block(&ben).await;
    assert!(!anna.act(Act::Unfollow, &ben).await);
    assert_eq!(anna.sees(&ben).await, "blocking");
    app.assert_sound().await;
}

async fn r10_fifty_identical_follows_are_one(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let answers = all((0..50).map(|_| anna.try_act(Act::Follow, ben.id))).await;
    let changed = answers.into_iter().filter(|answer| answer.clone().expect(200).json()["changed"] == true);
    assert_eq!(changed.count(), 1);
    assert_eq!((anna.counts().await, ben.counts().await), ([0, 1, 0, 0, 0], [1, 0, 0, 0, 0]));
    assert_eq!(app.revision().await, 1);
    app.assert_sound().await;
}

shared::on_both_databases!(
    r01_a_public_account_is_followed_at_once,
    r02_following_again_changes_nothing,
    r03_nobody_has_a_relation_with_themselves,
    r04_hidden_people_look_like_nobody,
    r05_a_blocked_follow_looks_like_unknown,
    r06_only_the_options_sent_change,
    r07_unfollowing_leaves_the_reverse_edge,
    r08_unfollowing_a_stranger_changes_nothing,
    r10_fifty_identical_follows_are_one,
);
