//! Imports that replace a list: whom they leave out, and whom never.

use shared::testing::TestDatabase;

use crate::imports::{failures, import, numbers};
use crate::person::{Act, ids};
use crate::test_app::{TestApp, all};

async fn who_is_named_stays_though_the_option_cannot_be_read(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, ada, bo, cy] = app.people(["me", "ada", "bo", "cy"]).await;
    let file = "Account address,Hide notifications,Notify on new posts\nada,perhaps,perhaps\nbo,YES,No\nno.body,perhaps,perhaps\n";
    let lists =
        [("mutes", Act::Mute, "/v1/me/mutes".into()), ("following", Act::Follow, me.list("following"))];
    for (kind, act, list) in lists {
        for other in [&ada, &bo, &cy] {
            me.act(act, other).await;
        }
        for dry_run in [true, false] {
            let query = format!("kind={kind}&mode=overwrite&dry_run={dry_run}");
            let report = import(&me, &query, file).await;
            assert_eq!(numbers(&report), [3, 3, 2, 0, 1], "{query}");
            assert_eq!(failures(&report), ["1 ada invalid_row", "3 no.body invalid_row"]);
        }
        assert_eq!(me.walk(&list, 5).await, ids(&[&bo, &ada]), "{kind}");
    }
    app.assert_sound().await;
}

async fn a_file_of_other_accounts_removes_nobody(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, ada, bo] = app.people(["me", "ada", "bo"]).await;
    for (kind, act) in [("blocks", Act::Block), ("mutes", Act::Mute)] {
        for other in [&ada, &bo] {
            me.act(act, other).await;
        }
        let list = format!("/v1/me/{kind}");
        for file in
            ["Account address\nada@elsewhere.social\nbo@elsewhere.social\n", "Account address\na b\n\"?\"\n"]
        {
            for dry_run in [true, false] {
                let query = format!("kind={kind}&mode=overwrite&dry_run={dry_run}");
                assert_eq!(numbers(&import(&me, &query, file).await), [2, 2, 2, 0, 0], "{query}: {file}");
            }
        }
        assert_eq!(me.walk(&list, 5).await, ids(&[&bo, &ada]));
        // A name that leads to nobody is one of ours.
        let query = format!("kind={kind}&mode=overwrite");
        assert_eq!(numbers(&import(&me, &query, "nobody\n").await), [1, 1, 1, 0, 2]);
    }
    app.assert_sound().await;
}

/// More than two steps, with people who stay at both ends and in between.
async fn many_are_left_out_in_steps(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me] = app.people(["me"]).await;
    let crowd = app.crowd("p", 450).await;
    for some in crowd.chunks(50) {
        all(some.iter().map(|other| me.follow(other))).await;
    }
    let file = "Account address\np0\np199\np200\np449\n";
    let report = import(&me, "kind=following&mode=overwrite", file).await;
    assert_eq!(numbers(&report), [4, 4, 0, 0, 446]);
    assert_eq!(me.counts().await, [0, 4, 0, 0, 0]);
    app.assert_sound().await;
}

shared::on_both_databases!(
    who_is_named_stays_though_the_option_cannot_be_read,
    a_file_of_other_accounts_removes_nobody,
    many_are_left_out_in_steps,
);
