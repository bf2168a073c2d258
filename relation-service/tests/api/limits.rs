//! R9: how many edges one person may hold.

use relation_service::domain::Limits;
use shared::testing::TestDatabase;

use crate::person::Act;
use crate::test_app::{LIMITS, TestApp, all};

const FEW: Limits = Limits { following_max: 3, requests_sent_max: 2, blocks_max: 2, mutes_max: 2, ..LIMITS };

async fn r09_one_below_the_limit_is_fine(make: impl Fn() -> TestDatabase) {
    let app = TestApp::with_limits(make, FEW).await;
    let [anna] = app.people(["anna"]).await;
    let others = app.crowd("other", 5).await;
    for other in &others[..3] {
        assert!(anna.follow(other).await);
    }
    anna.try_act(Act::Follow, others[3].id).await.expect_problem(422, "following_limit_reached");
    assert!(!anna.follow(&others[0]).await, "whom I follow already is no new follow");
    anna.act(Act::Unfollow, &others[0]).await;
    assert!(anna.follow(&others[3]).await);
    assert_eq!(anna.counts().await, [0, 3, 0, 0, 0]);
    assert!(others[4].follow(&anna).await, "followers have no limit");
    app.assert_sound().await;
}

async fn r09_parallel_follows_stop_at_the_limit(make: impl Fn() -> TestDatabase) {
    let app = TestApp::with_limits(make, FEW).await;
    let [anna] = app.people(["anna"]).await;
    let others = app.crowd("other", 20).await;
    let answers = all(others.iter().map(|other| anna.try_act(Act::Follow, other.id))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(done.len(), 3);
    for answer in refused {
        answer.expect_problem(422, "following_limit_reached");
    }
    assert_eq!(anna.counts().await, [0, 3, 0, 0, 0]);
    app.assert_sound().await;
}

async fn r09_accepting_is_never_refused_by_the_requesters_limit(make: impl Fn() -> TestDatabase) {
    let app = TestApp::with_limits(make, FEW).await;
    let [anna, private] = app.people(["anna", "private"]).await;
    app.set_private(&private, true).await;
    anna.follow(&private).await;
    for other in app.crowd("other", 3).await {
        anna.follow(&other).await;
    }
    assert!(private.act(Act::Accept, &anna).await);
    assert_eq!(anna.counts().await, [0, 4, 0, 0, 0]);
    let [one_more] = app.people(["one_more"]).await;
    anna.try_act(Act::Follow, one_more.id).await.expect_problem(422, "following_limit_reached");
}

async fn r09_requests_and_blocks_have_limits_of_their_own(make: impl Fn() -> TestDatabase) {
    let app = TestApp::with_limits(make, FEW).await;
    let [anna] = app.people(["anna"]).await;
    let others = app.crowd("other", 3).await;
    for other in &others {
        app.set_private(other, true).await;
    }
    for (act, code) in [(Act::Follow, "request_limit_reached"), (Act::Block, "block_limit_reached")] {
        assert!(anna.act(act, &others[0]).await && anna.act(act, &others[1]).await);
        anna.try_act(act, others[2].id).await.expect_problem(422, code);
        assert!(!anna.act(act, &others[0]).await, "again is no new one");
    }
    assert!(anna.act(Act::Unblock, &others[0]).await);
    assert!(anna.block(&others[2]).await);
    app.assert_sound().await;
}

shared::on_both_databases!(
    r09_one_below_the_limit_is_fine,
    r09_parallel_follows_stop_at_the_limit,
    r09_accepting_is_never_refused_by_the_requesters_limit,
    r09_requests_and_blocks_have_limits_of_their_own,
);
