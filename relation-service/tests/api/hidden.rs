//! R44 and R45: who is hidden, and what is private.

use shared::facts::{AccountStatus, ListAudience};
use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::{Act, comparable, ids, walk};
use crate::test_app::TestApp;

const LISTS: [&str; 3] = ["followers", "following", "friends"];

async fn r44_private_lists_are_for_followers_and_the_owner(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [owner, follower, stranger] = app.people(["owner", "follower", "stranger"]).await;
    befriend(&owner, &follower).await;
    for (private, audience, for_stranger, for_follower) in [
        (false, ListAudience::Everyone, true, true),
        (true, ListAudience::Everyone, false, true),
        (false, ListAudience::Followers, false, true),
        (true, ListAudience::Followers, false, true),
        (false, ListAudience::OnlyMe, false, false),
        (true, ListAudience::OnlyMe, false, false),
    ] {
        app.change(&owner, |facts| {
            facts.private_account = private;
            facts.show_relations = audience;
        })
        .await;
        let nobody = &app.nobody;
        for path in LISTS.map(|list| owner.list(list)) {
            for (viewer, allowed) in [
                (nobody, for_stranger),
                (&stranger.http, for_stranger),
                (&follower.http, for_follower),
                (&owner.http, true),
            ] {
                let answer = viewer.get(&path).await;
                if allowed {
                    answer.expect(200);
                } else {
                    answer.expect_problem(403, "private_list");
                }
            }
            app.nobody.get(&format!("{}/known", owner.list("counts"))).await.expect(404);
        }
        stranger.http.get(&owner.list("counts")).await.expect(200);
    }
}

async fn r44_hidden_counts_are_null(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [owner, follower] = app.people(["owner", "follower"]).await;
    befriend(&owner, &follower).await;
    app.change(&owner, |facts| facts.show_counts = false).await;
    let shown =
        serde_json::json!({"user_id": owner.id, "followers": null, "following": null, "friends": null});
    for viewer in [&app.nobody, &follower.http] {
        assert_eq!(viewer.get(&owner.list("counts")).await.expect(200).json(), shown);
        let many = viewer.get(&format!("/v1/counts?ids={}", owner.id)).await.expect(200).json();
        assert_eq!(many["items"][0]["counts"], shown);
    }
    assert_eq!(owner.counts().await, [1, 1, 1, 0, 0]);
}

async fn r45_hidden_people_vanish_and_come_back(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    befriend(&anna, &ben).await;
    befriend(&anna, &carl).await;
    let everything = async || {
        let mut seen = Vec::new();
        for list in LISTS {
            seen.push(anna.http.get(&anna.list(list)).await.json());
            seen.push(anna.http.get(&ben.list(list)).await.json());
        }
        seen.push(anna.relationship(&ben).await);
        seen.push(ben.relationship(&anna).await);
        seen
    };
    let before = everything().await;
    for status in [AccountStatus::Suspended, AccountStatus::Deactivated, AccountStatus::Deleted] {
        app.set_status(&ben, status).await;
        for list in LISTS {
            for limit in [1, 2] {
                assert_eq!(anna.walk(&anna.list(list), limit).await, ids(&[&carl]), "{status:?} {list}");
                assert_eq!(walk(&app.nobody, &anna.list(list), limit).await, ids(&[&carl]));
            }
            let nobody = anna.http.get(&format!("/v1/users/1/{list}")).await.expect(404);
            assert_eq!(comparable(&anna.http.get(&ben.list(list)).await), comparable(&nobody));
        }
        let nobody = anna.http.get("/v1/users/1/counts").await.expect_problem(404, "user_not_found");
        assert_eq!(comparable(&anna.http.get(&ben.list("counts")).await), comparable(&nobody));
        let many = anna.http.get(&format!("/v1/counts?ids={},1", ben.id)).await.expect(200).json();
        assert!(many["items"][0]["counts"].is_null() && many["items"][1]["counts"].is_null());
        assert!(anna.relationship(&ben).await.is_null());
        app.set_status(&ben, AccountStatus::Active).await;
        assert_eq!(everything().await, before, "back exactly as it was");
    }
    app.assert_sound().await;
}

async fn r45_whom_i_know_i_can_leave_though_hidden(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    for act in [Act::Unfollow, Act::RemoveFollower, Act::Block] {
        befriend(&anna, &ben).await;
        app.set_status(&ben, AccountStatus::Suspended).await;
        assert_eq!(anna.try_act(act, ben.id).await.expect(200).json()["changed"], true, "{act:?}");
        app.set_status(&ben, AccountStatus::Active).await;
        anna.act(Act::Unblock, &ben).await;
    }
    app.assert_sound().await;
}

async fn expanded_rows_carry_what_is_known_now(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    befriend(&anna, &ben).await;
    befriend(&anna, &carl).await;
    app.change(&carl, |facts| {
        facts.username = "renamed".into();
        facts.avatar_url = Some("https://pictures.example/1".into());
        facts.verified = true;
        facts.private_account = true;
    })
    .await;
    for list in LISTS {
        let body = anna.http.get(&format!("{}?expand=user", anna.list(list))).await.expect(200).json();
        let expected = serde_json::json!({"id": carl.id, "username": "renamed", "display_name": "CARL",
            "avatar_url": "https://pictures.example/1", "verified": true, "private_account": true});
        assert_eq!(body["items"][0]["user"], expected, "{list}");
        assert_eq!(body["items"][1]["user"]["username"], "ben", "{list}");
        let plain = anna.http.get(&anna.list(list)).await.expect(200).json();
        assert!(plain["items"][0].get("user").is_none());
    }
}

shared::on_both_databases!(
    r44_private_lists_are_for_followers_and_the_owner,
    r44_hidden_counts_are_null,
    r45_hidden_people_vanish_and_come_back,
    r45_whom_i_know_i_can_leave_though_hidden,
    expanded_rows_carry_what_is_known_now,
);
