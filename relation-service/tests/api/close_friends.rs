//! Close friends: marks on followers, of whom nobody is told.

use actix_web::http::Method;
use shared::facts::AccountStatus;
use shared::testing::{Answer, TestDatabase};

use crate::friends::befriend;
use crate::person::{Act, Person, comparable, ids};
use crate::test_app::TestApp;

const CLOSE: &str = "/v1/me/close-friends";

async fn mark(me: &Person, id: impl std::fmt::Display) -> Answer {
    me.http.put(&format!("{CLOSE}/{id}")).await
}

async fn unmark(me: &Person, id: impl std::fmt::Display) -> Answer {
    me.http.send(Method::DELETE, &format!("{CLOSE}/{id}"), &[], Vec::new()).await
}

async fn a_follower_is_marked_and_not_told(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    ben.follow(&anna).await;
    let (theirs, revision) = (ben.relationship(&anna).await, app.revision().await);
    for changed in [true, false] {
        let mut body = mark(&anna, ben.id).await.expect(200).json();
        assert_eq!(body["changed"], changed);
        body.as_object_mut().unwrap().remove("changed");
        assert_eq!(body, anna.relationship(&ben).await);
        assert_eq!(anna.sees(&ben).await, "followed_by close_friend");
    }
    assert_eq!(ben.relationship(&anna).await, theirs);
    assert_eq!(app.revision().await, revision, "no event tells of it");
    for changed in [true, false] {
        assert_eq!(unmark(&anna, ben.id).await.expect(200).json()["changed"], changed);
    }
    assert_eq!(anna.sees(&ben).await, "followed_by");
    app.assert_sound().await;
}

async fn only_a_follower_can_be_marked(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, stranger, blocker, asks, gone] =
        app.people(["anna", "stranger", "blocker", "asks", "gone"]).await;
    gone.follow(&anna).await;
    app.set_private(&anna, true).await;
    asks.follow(&anna).await;
    blocker.block(&anna).await;
    app.set_status(&gone, AccountStatus::Suspended).await;
    mark(&anna, anna.id).await.expect_problem(422, "self_relation");
    let refused = comparable(&mark(&anna, stranger.id).await.expect_problem(422, "not_a_follower"));
    for person in [&asks, &blocker] {
        assert_eq!(comparable(&mark(&anna, person.id).await), refused, "who blocks me looks like a stranger");
    }
    let nobody = comparable(&mark(&anna, 1).await.expect_problem(404, "user_not_found"));
    assert_eq!(comparable(&mark(&anna, gone.id).await), nobody);
    mark(&anna, "x").await.expect_problem(400, "invalid_id");
    app.nobody.put(&format!("{CLOSE}/1")).await.expect_problem(401, "unauthenticated");
    app.nobody.get(CLOSE).await.expect_problem(401, "unauthenticated");
}

async fn r07_r29_the_mark_goes_with_the_follow(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    for (one, act, other) in [
        (&ben, Act::Unfollow, &anna),
        (&anna, Act::RemoveFollower, &ben),
        (&anna, Act::Block, &ben),
        (&ben, Act::Block, &anna),
    ] {
        befriend(&anna, &ben).await;
        mark(&anna, ben.id).await.expect(200);
        mark(&ben, anna.id).await.expect(200);
        assert_eq!(anna.walk(CLOSE, 5).await, [ben.id]);
        one.act(act, other).await;
        assert!(anna.walk(CLOSE, 5).await.is_empty(), "{act:?}");
        assert!(!anna.sees(&ben).await.contains("close_friend"));
        let kept = act != Act::Block;
        let theirs = ben.sees(&anna).await;
        assert_eq!(theirs.contains("close_friend"), kept, "{act:?}: it stands on the other follow");
        app.assert_sound().await;
        one.act(Act::Unblock, other).await;
        befriend(&anna, &ben).await;
        assert!(!anna.sees(&ben).await.contains("close_friend"), "a new follow is not marked");
    }
}

async fn close_friends_are_listed_newest_first(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let others = app.crowd("other", 5).await;
    for other in &others {
        other.follow(&anna).await;
        mark(&anna, other.id).await.expect(200);
    }
    mark(&anna, others[0].id).await.expect(200);
    let newest: Vec<&Person> = others.iter().rev().collect();
    for limit in [1, 2, 5, 100] {
        assert_eq!(anna.walk(CLOSE, limit).await, ids(&newest));
    }
    let page = anna.http.get(CLOSE).await.expect(200).json();
    assert_eq!(page["items"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["since", "user_id"]);
    app.set_status(&others[2], AccountStatus::Deactivated).await;
    assert_eq!(anna.walk(CLOSE, 1).await, ids(&[newest[0], newest[1], newest[3], newest[4]]));
    app.set_status(&others[2], AccountStatus::Active).await;
    assert_eq!(anna.walk(CLOSE, 2).await, ids(&newest), "back as it was");
}

shared::on_both_databases!(
    a_follower_is_marked_and_not_told,
    only_a_follower_can_be_marked,
    r07_r29_the_mark_goes_with_the_follow,
    close_friends_are_listed_newest_first,
);
