//! R29 to R36: blocking.

use shared::id::UserId;
use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::{Act, comparable, ids};
use crate::test_app::TestApp;

async fn r29_a_block_ends_everything_once(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    befriend(&anna, &ben).await;
    befriend(&anna, &carl).await;
    let body = anna.try_act(Act::Block, ben.id).await.expect(200).json();
    assert_eq!((&body["blocking"], &body["changed"]), (&true.into(), &true.into()));
    assert_eq!((anna.sees(&ben).await, ben.sees(&anna).await), ("blocking".into(), String::new()));
    assert_eq!((anna.counts().await, ben.counts().await), ([1, 1, 1, 0, 0], [0; 5]));
    assert_eq!(anna.walk("/v1/me/blocks", 5).await, [ben.id]);
    for list in ["followers", "following", "friends"] {
        assert_eq!(anna.walk(&anna.list(list), 5).await, [carl.id], "{list}");
        assert!(ben.walk(&ben.list(list), 5).await.is_empty(), "{list}");
    }
    app.assert_sound().await;
}

async fn r30_blocking_again_changes_nothing(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    assert!(!anna.act(Act::Unblock, &ben).await);
    assert!(anna.block(&ben).await);
    let (listed, revision) = (anna.http.get("/v1/me/blocks").await.bytes, app.revision().await);
    assert!(!anna.block(&ben).await);
    assert_eq!((anna.http.get("/v1/me/blocks").await.bytes, app.revision().await), (listed, revision));
}

async fn r31_unblocking_restores_nothing(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    befriend(&anna, &ben).await;
    anna.block(&ben).await;
    assert!(anna.act(Act::Unblock, &ben).await);
    assert_eq!((anna.sees(&ben).await, ben.sees(&anna).await), (String::new(), String::new()));
    assert_eq!((anna.counts().await, ben.counts().await), ([0; 5], [0; 5]));
    assert!(anna.walk("/v1/me/blocks", 5).await.is_empty());
    assert!(ben.follow(&anna).await);
    app.assert_sound().await;
}

async fn r32_two_blocks_are_independent(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    assert!(anna.block(&ben).await && ben.block(&anna).await);
    assert!(anna.act(Act::Unblock, &ben).await);
    assert_eq!((anna.sees(&ben).await, ben.sees(&anna).await), (String::new(), "blocking".into()));
    anna.try_act(Act::Follow, ben.id).await.expect_problem(404, "user_not_found");
    assert!(ben.act(Act::Unblock, &anna).await);
    assert!(anna.follow(&ben).await);
    app.assert_sound().await;
}

async fn r33_the_blocked_side_finds_nobody_there(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, stranger] = app.people(["anna", "ben", "stranger"]).await;
    befriend(&anna, &stranger).await;
    befriend(&anna, &ben).await;
    let anybody = ben.relationship(&stranger).await;
    anna.block(&ben).await;
    let paths = |id: UserId| {
        [
            "followers",
            "following",
            "friends",
            "counts",
            "following?order=oldest&limit=3",
            "friends?expand=user",
        ]
        .map(|path| format!("/v1/users/{id}/{path}"))
    };
    for (path, of_nobody) in paths(anna.id).iter().zip(paths(UserId::new(1))) {
        let seen = ben.http.get(path).await.expect_problem(404, "user_not_found");
        let nobody = ben.http.get(&of_nobody).await;
        assert_eq!(comparable(&seen), comparable(&nobody), "{path}");
        anna.http.get(path).await.expect(200);
        app.nobody.get(path).await.expect(200);
    }
    let batch = ben.http.get(&format!("/v1/counts?ids={},{}", anna.id, ben.id)).await.expect(200).json();
    assert!(batch["items"][0]["counts"].is_null() && !batch["items"][1]["counts"].is_null(), "{batch}");
    let mut seen = ben.relationship(&anna).await;
    seen["user_id"] = anybody["user_id"].clone();
    assert_eq!(seen, anybody, "a relationship that tells of no block");
    anna.http.get(&ben.list("followers")).await.expect(200);
    assert_eq!(anna.sees(&ben).await, "blocking");
}

async fn r34_lists_of_third_parties_leave_out_blocks_either_way(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, owner, blocked, blocker, other] =
        app.people(["anna", "owner", "blocked", "blocker", "other"]).await;
    for person in [&blocked, &blocker, &other] {
        befriend(&owner, person).await;
    }
    anna.block(&blocked).await;
    blocker.block(&anna).await;
    for list in ["followers", "following", "friends"] {
        let path = owner.list(list);
        for limit in [1, 2, 100] {
            assert_eq!(anna.walk(&path, limit).await, [other.id], "{list}");
            assert_eq!(owner.walk(&path, limit).await, ids(&[&other, &blocker, &blocked]), "{list}");
            let oldest = format!("{path}?order=oldest");
            assert_eq!(other.walk(&oldest, limit).await, ids(&[&blocked, &blocker, &other]), "{list}");
        }
        assert_eq!(
            crate::person::walk(&app.nobody, &path, 2).await.len(),
            3,
            "a nameless viewer blocks nobody"
        );
    }
    anna.act(Act::Unblock, &blocked).await;
    assert_eq!(anna.walk(&owner.list("followers"), 1).await, ids(&[&other, &blocked]));
}

async fn r36_counts_of_others_are_owner_true(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, owner, blocked, blocker] = app.people(["anna", "owner", "blocked", "blocker"]).await;
    befriend(&owner, &blocked).await;
    befriend(&owner, &blocker).await;
    anna.block(&blocked).await;
    blocker.block(&anna).await;
    let body = anna.http.get(&owner.list("counts")).await.expect(200).json();
    let expected = serde_json::json!({"user_id": owner.id, "followers": 2, "following": 2, "friends": 2});
    assert_eq!(body, expected, "not filtered, and without what is the owner's alone");
}

shared::on_both_databases!(
    r29_a_block_ends_everything_once,
    r30_blocking_again_changes_nothing,
    r31_unblocking_restores_nothing,
    r32_two_blocks_are_independent,
    r33_the_blocked_side_finds_nobody_there,
    r34_lists_of_third_parties_leave_out_blocks_either_way,
    r36_counts_of_others_are_owner_true,
);
