//! R25 to R28: removing followers, and friends.

use shared::testing::TestDatabase;

use crate::person::{Act, Person};
use crate::test_app::TestApp;

/// Makes both follow each other.
pub async fn befriend(one: &Person, other: &Person) {
    one.follow(other).await;
    other.follow(one).await;
}

async fn r25_removing_a_follower_ends_their_follow_alone(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    befriend(&anna, &ben).await;
    assert!(anna.act(Act::RemoveFollower, &ben).await);
    assert_eq!((anna.sees(&ben).await, ben.sees(&anna).await), ("following".into(), "followed_by".into()));
    assert_eq!((anna.counts().await, ben.counts().await), ([0, 1, 0, 0, 0], [1, 0, 0, 0, 0]));
    assert!(ben.follow(&anna).await, "they may follow again");
    app.set_private(&anna, true).await;
    anna.act(Act::RemoveFollower, &ben).await;
    ben.follow(&anna).await;
    assert_eq!(ben.sees(&anna).await, "followed_by requested", "or ask");
    app.assert_sound().await;
}

async fn r26_removing_who_does_not_follow_changes_nothing(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    app.set_private(&anna, true).await;
    anna.follow(&ben).await;
    carl.follow(&anna).await;
    let revision = app.revision().await;
    assert!(!anna.act(Act::RemoveFollower, &ben).await);
    assert!(!anna.act(Act::RemoveFollower, &carl).await);
    assert_eq!(anna.sees(&carl).await, "requested_by", "a request is no follow");
    assert_eq!(app.revision().await, revision);
}

async fn r27_friends_follow_each_other(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl, private] = app.people(["anna", "ben", "carl", "private"]).await;
    app.set_private(&private, true).await;
    anna.follow(&ben).await;
    assert!(anna.walk(&anna.list("friends"), 5).await.is_empty());
    ben.follow(&anna).await;
    assert_eq!(anna.walk(&anna.list("friends"), 5).await, [ben.id]);
    assert_eq!(ben.walk(&ben.list("friends"), 5).await, [anna.id]);
    let since = |body: serde_json::Value| body["items"][0]["since"].clone();
    let both = [&anna, &ben].map(|person| person.list("friends"));
    let (mine, theirs) = (anna.http.get(&both[0]).await.json(), ben.http.get(&both[1]).await.json());
    assert_eq!(since(mine), since(theirs.clone()), "friends since the same moment");
    assert_eq!(since(theirs), ben.relationship(&anna).await["followed_at"], "when the later follow began");
    private.follow(&anna).await;
    anna.follow(&private).await;
    assert_eq!(anna.sees(&private).await, "followed_by requested", "pending does not count");
    carl.follow(&anna).await;
    assert_eq!(anna.counts().await, [3, 1, 1, 0, 1]);
    private.act(Act::Accept, &anna).await;
    assert_eq!(anna.walk(&anna.list("friends"), 1).await, [private.id, ben.id], "newest friend first");
    assert_eq!((anna.counts().await[2], private.counts().await[2]), (2, 1));
    app.assert_sound().await;
}

async fn r28_any_end_of_either_edge_ends_friendship(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    for act in [Act::Unfollow, Act::RemoveFollower, Act::Block] {
        for (one, other) in [(&anna, &ben), (&ben, &anna)] {
            befriend(&anna, &ben).await;
            assert_eq!((anna.counts().await[2], ben.counts().await[2]), (1, 1));
            one.act(act, other).await;
            assert_eq!((anna.counts().await[2], ben.counts().await[2]), (0, 0), "{act:?}");
            assert!(anna.walk(&anna.list("friends"), 5).await.is_empty());
            assert!(ben.walk(&ben.list("friends"), 5).await.is_empty());
            one.act(Act::Unblock, other).await;
        }
    }
    app.assert_sound().await;
}

shared::on_both_databases!(
    r25_removing_a_follower_ends_their_follow_alone,
    r26_removing_who_does_not_follow_changes_nothing,
    r27_friends_follow_each_other,
    r28_any_end_of_either_edge_ends_friendship,
);
