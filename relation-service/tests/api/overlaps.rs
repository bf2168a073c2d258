//! Known followers and shared following: where a person's lists meet what the viewer follows.

use serde_json::Value;
use shared::facts::{AccountStatus, ListAudience};
use shared::id::UserId;
use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::{Act, Person, comparable, ids, walk};
use crate::random::Random;
use crate::test_app::TestApp;

const KNOWN: &str = "followers/known";
const SHARED: &str = "following/shared";

/// A whole walk, after checking that every page tells the same total, which is its length.
async fn overlap(viewer: &Person, path: &str) -> Vec<UserId> {
    let whole = viewer.walk(path, 100).await;
    for limit in [1, 2, 5] {
        assert_eq!(viewer.walk(path, limit).await, whole, "{path} {limit}");
    }
    let body = viewer.http.get(path).await.expect(200).json();
    assert_eq!(body["total"], whole.len(), "{path}");
    whole
}

async fn known_followers_are_theirs_whom_i_follow(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, owner, both, mine, theirs, back] =
        app.people(["me", "owner", "both", "mine", "theirs", "back"]).await;
    for (follower, followed) in
        [(&me, &mine), (&both, &owner), (&theirs, &owner), (&me, &both), (&me, &back), (&owner, &back)]
    {
        follower.follow(followed).await;
    }
    back.follow(&owner).await;
    me.follow(&owner).await;
    let known = overlap(&me, &owner.list(KNOWN)).await;
    assert_eq!(known, ids(&[&back, &both]), "the newest follower first, and not myself");
    let oldest = format!("{}?order=oldest", owner.list(KNOWN));
    assert_eq!(me.walk(&oldest, 1).await, ids(&[&both, &back]));
    assert_eq!(overlap(&me, &owner.list(SHARED)).await, ids(&[&back]));
    let row = |list: &Value, id: UserId| {
        let rows = list["items"].as_array().unwrap();
        rows.iter().find(|row| row["user_id"] == id.to_string()).unwrap()["since"].clone()
    };
    let followers = me.http.get(&owner.list("followers")).await.expect(200).json();
    let listed = me.http.get(&owner.list(KNOWN)).await.expect(200).json();
    assert_eq!(row(&listed, both.id), row(&followers, both.id), "since as on the whole list");
    assert!(overlap(&owner, &me.list(KNOWN)).await.is_empty());
    assert_eq!(overlap(&owner, &me.list(SHARED)).await, ids(&[&back]));
}

async fn of_myself_they_are_my_friends_and_whom_i_follow(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, friend, fan, idol] = app.people(["me", "friend", "fan", "idol"]).await;
    befriend(&me, &friend).await;
    fan.follow(&me).await;
    me.follow(&idol).await;
    app.set_private(&me, true).await;
    assert_eq!(overlap(&me, &me.list(KNOWN)).await, [friend.id]);
    assert_eq!(overlap(&me, &me.list(SHARED)).await, ids(&[&idol, &friend]));
}

async fn r33_r44_who_may_not_see_the_list_sees_no_overlap(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, owner, friend] = app.people(["me", "owner", "friend"]).await;
    befriend(&friend, &owner).await;
    me.follow(&friend).await;
    for list in [KNOWN, SHARED] {
        let (path, of_nobody) = (owner.list(list), format!("/v1/users/1/{list}"));
        app.nobody.get(&path).await.expect_problem(401, "unauthenticated");
        assert_eq!(overlap(&me, &path).await, [friend.id]);
        app.set_private(&owner, true).await;
        me.http.get(&path).await.expect_problem(403, "private_list");
        assert_eq!(friend.http.get(&path).await.expect(200).json()["total"], 0);
        app.change(&owner, |facts| {
            facts.private_account = false;
            facts.show_relations = ListAudience::OnlyMe;
        })
        .await;
        me.http.get(&path).await.expect_problem(403, "private_list");
        friend.http.get(&path).await.expect_problem(403, "private_list");
        owner.http.get(&path).await.expect(200);
        app.change(&owner, |facts| facts.show_relations = ListAudience::Everyone).await;
        owner.block(&me).await;
        let nobody = me.http.get(&of_nobody).await.expect_problem(404, "user_not_found");
        let blocked = me.http.get(&path).await;
        assert_eq!(comparable(&blocked), comparable(&nobody), "byte for byte: {list}");
        owner.act(Act::Unblock, &me).await;
        let nobody = me.http.get(&of_nobody).await;
        app.set_status(&owner, AccountStatus::Deactivated).await;
        assert_eq!(comparable(&me.http.get(&path).await), comparable(&nobody), "{list}");
        app.set_status(&owner, AccountStatus::Active).await;
    }
}

async fn r35_blocks_and_hidden_people_are_in_no_overlap(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, owner] = app.people(["me", "owner"]).await;
    let others = app.crowd("other", 6).await;
    for other in &others {
        befriend(other, &owner).await;
        me.follow(other).await;
    }
    me.block(&others[0]).await;
    others[1].block(&me).await;
    owner.block(&others[2]).await;
    app.set_status(&others[3], AccountStatus::Suspended).await;
    for list in [KNOWN, SHARED] {
        assert_eq!(overlap(&me, &owner.list(list)).await, ids(&[&others[5], &others[4]]), "{list}");
    }
    app.set_status(&others[3], AccountStatus::Active).await;
    me.act(Act::Unblock, &others[0]).await;
    for list in [KNOWN, SHARED] {
        let expected = ids(&[&others[5], &others[4], &others[3]]);
        assert_eq!(overlap(&me, &owner.list(list)).await, expected, "{list}");
    }
}

/// Whichever of the two lists is the smaller one, the overlap is what the whole lists say.
async fn an_overlap_equals_the_lists_it_is_of(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let people = app.crowd("person", 12).await;
    let mut random = Random::new(0x0E);
    // The first follow many, the last few; of being followed the other way round.
    for (number, person) in people.iter().enumerate() {
        for (other_number, other) in people.iter().enumerate() {
            if number != other_number && random.below(12) >= number.midpoint(other_number) {
                person.follow(other).await;
            }
        }
    }
    for viewer in &people {
        let following = viewer.walk(&viewer.list("following"), 100).await;
        for owner in &people {
            for (list, of) in [(KNOWN, "followers"), (SHARED, "following")] {
                let mut expected = walk(&app.nobody, &owner.list(of), 100).await;
                expected.retain(|id| following.contains(id));
                assert_eq!(viewer.walk(&owner.list(list), 100).await, expected, "{list}");
                assert_eq!(overlap(viewer, &owner.list(list)).await, expected, "{list}");
            }
        }
    }
}

async fn an_overlap_waits_for_a_revision_and_has_cursors_of_its_own(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, other, owner] = app.people(["me", "other", "owner"]).await;
    let fans = app.crowd("fan", 3).await;
    for fan in &fans {
        befriend(fan, &owner).await;
        me.follow(fan).await;
        other.follow(fan).await;
    }
    let (known, shared) = (owner.list(KNOWN), owner.list(SHARED));
    let first = me.http.get(&format!("{known}?limit=1&expand=user")).await.expect(200);
    assert_eq!(first.json()["items"][0]["user"]["username"], "fan2");
    assert_eq!(first.json()["total"], 3);
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    me.http.get(&format!("{known}?cursor={cursor}")).await.expect(200);
    for path in [
        format!("{known}?order=oldest&cursor={cursor}"),
        format!("{shared}?cursor={cursor}"),
        format!("{}?cursor={cursor}", owner.list("followers")),
        format!("{known}?cursor=x"),
    ] {
        me.http.get(&path).await.expect_problem(400, "invalid_cursor");
    }
    other.http.get(&format!("{known}?cursor={cursor}")).await.expect_problem(400, "invalid_cursor");
    me.http.get(&format!("{known}?limit=0")).await.expect_problem(400, "invalid_limit");
    me.http.get(&format!("{known}?what=1")).await.expect_problem(400, "invalid_query");
    me.http.get("/v1/users/x/followers/known").await.expect_problem(400, "invalid_id");
    for path in [known, shared] {
        let revision = app.revision().await;
        let get = async |wanted: i64| {
            let headers = [("mutual-at-least", wanted.to_string())];
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            me.http.send(actix_web::http::Method::GET, &path, &headers, Vec::new()).await
        };
        let answer = get(revision).await.expect(200);
        assert_eq!(answer.header("mutual-revision"), revision.to_string());
        get(revision + 1).await.expect_problem(503, "not_caught_up");
    }
}

async fn r40_muted_people_stay_and_are_flagged(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, owner, muted, other] = app.people(["me", "owner", "muted", "other"]).await;
    for person in [&muted, &other] {
        befriend(&owner, person).await;
        me.follow(person).await;
    }
    me.act(Act::Mute, &muted).await;
    for list in ["followers", "following", "friends", KNOWN, SHARED] {
        let path = owner.list(list);
        assert_eq!(me.walk(&path, 1).await, ids(&[&other, &muted]), "{list}");
        let seen = me.http.get(&format!("{path}?expand=user")).await.expect(200).json();
        let flags: Vec<&Value> =
            seen["items"].as_array().unwrap().iter().map(|row| &row["user"]["muting"]).collect();
        assert_eq!(flags, [false, true], "{list}");
        let plain = me.http.get(&path).await.expect(200).json();
        assert!(plain["items"][0].get("user").is_none());
    }
    let path = format!("{}?expand=user", owner.list("followers"));
    let seen = app.nobody.get(&path).await.expect(200).json();
    assert!(seen["items"][0]["user"].get("muting").is_none(), "a nameless viewer mutes nobody");
    let theirs = muted.http.get(&path).await.expect(200).json();
    assert_eq!(theirs["items"][1]["user"]["muting"], false, "the muted side sees nothing of it");
    me.act(Act::Unmute, &muted).await;
    let seen = me.http.get(&path).await.expect(200).json();
    assert_eq!(seen["items"][1]["user"]["muting"], false);
}

shared::on_both_databases!(
    known_followers_are_theirs_whom_i_follow,
    of_myself_they_are_my_friends_and_whom_i_follow,
    r33_r44_who_may_not_see_the_list_sees_no_overlap,
    r35_blocks_and_hidden_people_are_in_no_overlap,
    an_overlap_equals_the_lists_it_is_of,
    an_overlap_waits_for_a_revision_and_has_cursors_of_its_own,
    r40_muted_people_stay_and_are_flagged,
);
