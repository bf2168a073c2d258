//! R44 and R45: who is hidden, and what is private.

use shared::facts::{AccountStatus, ListAudience};
use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::{Act, Person, comparable, ids, walk};
use crate::test_app::{TestApp, all, until};

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
        for person in [&anna, &ben, &carl] {
            seen.push(anna.http.get(&person.list("counts")).await.json());
        }
        seen.push(anna.relationship(&ben).await);
        seen.push(ben.relationship(&anna).await);
        seen
    };
    let before = everything().await;
    for status in [AccountStatus::Suspended, AccountStatus::Deactivated] {
        app.set_status(&ben, status).await;
        assert_eq!(anna.counts().await, [1, 1, 1, 0, 0], "{status:?}");
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

/// More than two steps of the sweep.
const MANY: usize = 450;

async fn r45_counts_of_many_follow_in_steps(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [star, idol] = app.people(["star", "idol"]).await;
    let fans = app.crowd("fan", MANY).await;
    for some in fans.chunks(50) {
        for answer in all(some.iter().map(|fan| fan.try_act(Act::Follow, star.id))).await {
            answer.expect(200);
        }
    }
    star.follow(&idol).await;
    star.follow(&fans[0]).await;
    let (first, last) = (&fans[0], &fans[MANY - 1]);
    let revision = app.revision().await;
    app.set_status(&star, AccountStatus::Suspended).await;
    assert!(first.walk(&first.list("following"), 5).await.is_empty(), "lists do not wait");
    // While the sweep is under way, whom it has passed and whom it has not.
    for fan in [first, &fans[200], last] {
        assert_eq!(fan.try_act(Act::Unfollow, star.id).await.expect(200).json()["changed"], true);
    }
    let gone = async |fan: &Person| fan.counts().await == [0; 5];
    until("out of the counts", async || gone(first).await && gone(last).await && gone(&idol).await).await;
    until("done", async || app.is_sound().await).await;
    assert_eq!(fans[7].counts().await, [0; 5]);
    app.set_status(&star, AccountStatus::Active).await;
    until("done", async || app.is_sound().await).await;
    assert_eq!(star.counts().await, [447, 2, 0, 0, 0], "those who left, left");
    assert_eq!((fans[7].counts().await, idol.counts().await), ([0, 1, 0, 0, 0], [1, 0, 0, 0, 0]));
    assert_eq!((first.counts().await, last.counts().await), ([1, 0, 0, 0, 0], [0; 5]));
    assert_eq!(app.revision().await, revision + 3, "hiding tells of no follow that ends");
    for status in [AccountStatus::Suspended, AccountStatus::Active, AccountStatus::Deactivated] {
        app.users.change(star.id, "user.updated", |facts| facts.status = status);
        app.users.change(star.id, "user.updated", |facts| facts.status = AccountStatus::Active);
    }
    app.users.applied().await;
    until("done", async || app.is_sound().await).await;
    assert_eq!((star.counts().await, fans[7].counts().await), ([447, 2, 0, 0, 0], [0, 1, 0, 0, 0]));
}

async fn r45_hiding_goes_on_after_a_restart(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    befriend(&anna, &ben).await;
    app.stop_service();
    // As if the process had ended before the first step.
    for text in [
        format!("UPDATE user_facts SET status = 1 WHERE user_id = {}", ben.id),
        format!("INSERT INTO sweeps (user_id, kind) VALUES ({}, 3)", ben.id),
    ] {
        shared::db::execute(&mut app.writer(), &text, &[]).unwrap();
    }
    app.start_service();
    let counts = async || app.nobody.get(&anna.list("counts")).await.json()["friends"].clone();
    until("hidden", async || counts().await == 0).await;
    app.assert_sound().await;
}

async fn r45_requests_of_hidden_people_wait(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    app.set_private(&anna, true).await;
    ben.follow(&anna).await;
    carl.follow(&anna).await;
    app.set_status(&ben, AccountStatus::Deactivated).await;
    assert_eq!(anna.counts().await, [0, 0, 0, 1, 0]);
    for route in ["reject-all", "accept-all"] {
        let answer = anna.http.post(&format!("/v1/me/follow-requests/{route}")).await.expect(200).json();
        assert_eq!(answer["count"], i32::from(route == "reject-all"), "{route}");
    }
    app.set_status(&ben, AccountStatus::Active).await;
    assert_eq!((anna.counts().await, ben.sees(&anna).await), ([0, 0, 0, 1, 0], "requested".into()));
    // Anna goes public while ben is away: accepted when he is back.
    app.set_status(&ben, AccountStatus::Deactivated).await;
    app.set_private(&anna, false).await;
    until("swept", async || app.is_sound().await).await;
    assert_eq!(anna.counts().await, [0; 5]);
    app.set_status(&ben, AccountStatus::Active).await;
    until("accepted", async || ben.sees(&anna).await == "following").await;
    assert_eq!(anna.counts().await, [1, 0, 0, 0, 0]);
    // The same when it was anna who was away.
    app.set_private(&anna, true).await;
    carl.follow(&anna).await;
    app.set_status(&anna, AccountStatus::Suspended).await;
    app.set_private(&anna, false).await;
    assert_eq!(carl.counts().await, [0; 5]);
    app.set_status(&anna, AccountStatus::Active).await;
    until("accepted", async || carl.sees(&anna).await == "following").await;
    app.assert_sound().await;
}

async fn r45_whom_i_know_i_can_leave_though_hidden(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    for (act, left) in
        [(Act::Unfollow, [1, 0, 0, 0, 0]), (Act::RemoveFollower, [0, 1, 0, 0, 0]), (Act::Block, [0; 5])]
    {
        befriend(&anna, &ben).await;
        app.set_status(&ben, AccountStatus::Suspended).await;
        assert_eq!(anna.try_act(act, ben.id).await.expect(200).json()["changed"], true, "{act:?}");
        assert_eq!(anna.counts().await, [0; 5], "{act:?}");
        app.set_status(&ben, AccountStatus::Active).await;
        assert_eq!(anna.counts().await, left, "{act:?}");
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
            "avatar_url": "https://pictures.example/1", "verified": true, "private_account": true, "muting": false});
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
    r45_counts_of_many_follow_in_steps,
    r45_hiding_goes_on_after_a_restart,
    r45_requests_of_hidden_people_wait,
    r45_whom_i_know_i_can_leave_though_hidden,
    expanded_rows_carry_what_is_known_now,
);
