//! `explain` says what the act then does.

use serde_json::{Value, json};
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::{Act, Person};
use crate::test_app::TestApp;

/// How two people may stand before the act.
pub const SITUATIONS: [&str; 12] = [
    "strangers",
    "i follow",
    "they follow",
    "friends",
    "they are private",
    "i have asked",
    "they have asked",
    "i block",
    "they block",
    "both block",
    "they are suspended",
    "they asked and are suspended",
];

pub async fn arrange(app: &TestApp, situation: &str, me: &Person, them: &Person) {
    match situation {
        "strangers" => {}
        "i follow" => drop(me.follow(them).await),
        "they follow" => drop(them.follow(me).await),
        "friends" => befriend(me, them).await,
        "they are private" => app.set_private(them, true).await,
        "i have asked" => {
            app.set_private(them, true).await;
            me.follow(them).await;
        }
        "they have asked" | "they asked and are suspended" => {
            app.set_private(me, true).await;
            them.follow(me).await;
            if situation != "they have asked" {
                app.set_status(them, AccountStatus::Suspended).await;
            }
        }
        "i block" => drop(me.block(them).await),
        "they block" => drop(them.block(me).await),
        "both block" => {
            me.block(them).await;
            them.block(me).await;
        }
        "they are suspended" => app.set_status(them, AccountStatus::Suspended).await,
        unknown => panic!("{unknown}"),
    }
}

pub async fn explain(me: &Person, act: Act, id: UserId) -> Value {
    let path = format!("/v1/me/explain?action={}&user_id={id}", act.word());
    me.http.get(&path).await.expect(200).json()
}

/// What `explain` should have said, from what the act did.
fn described(act: Act, status: u16, body: &Value) -> Value {
    if status != 200 {
        return json!({"allowed": false, "outcome": "refused", "code": body["code"]});
    }
    let outcome = match act {
        _ if body["changed"] == false => "unchanged",
        Act::Follow if body["requested"] == true => "requested",
        Act::Follow => "followed",
        Act::Unfollow | Act::RemoveFollower => "removed",
        Act::Accept => "accepted",
        Act::Reject => "rejected",
        Act::Block => "blocked",
        Act::Unblock => "unblocked",
        Act::Mute => "muted",
        Act::Unmute => "unmuted",
    };
    json!({"allowed": true, "outcome": outcome, "code": null})
}

async fn explain_equals_the_act(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let mut refusals = std::collections::BTreeSet::new();
    for situation in SITUATIONS {
        for act in Act::ALL {
            let [me, them] = app.people(["me", "them"]).await;
            arrange(&app, situation, &me, &them).await;
            let revision = app.revision().await;
            let explained = explain(&me, act, them.id).await;
            assert_eq!(app.revision().await, revision, "nothing changes: {situation} {act:?}");
            let acted = me.try_act(act, them.id).await;
            let described = described(act, acted.status.as_u16(), &acted.json());
            assert_eq!(explained, described, "{situation} {act:?}");
            refusals.extend(explained["code"].as_str().map(str::to_owned));
        }
    }
    assert_eq!(
        refusals.into_iter().collect::<Vec<_>>(),
        ["no_such_request", "user_not_found", "you_block_them"]
    );
    app.assert_sound().await;
}

async fn explain_knows_oneself_the_unknown_and_newcomers(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me] = app.people(["me"]).await;
    let refused = |code| json!({"allowed": false, "outcome": "refused", "code": code});
    for act in Act::ALL {
        assert_eq!(explain(&me, act, me.id).await, refused("self_relation"));
        // Somebody who was never there has not asked either.
        let about_requests = matches!(act, Act::Accept | Act::Reject);
        let code = if about_requests { "no_such_request" } else { "user_not_found" };
        assert_eq!(explain(&me, act, UserId::new(1)).await, refused(code));
    }
    app.users.hold_feed();
    let newcomer = app.newcomer("newcomer");
    let followed = json!({"allowed": true, "outcome": "followed", "code": null});
    assert_eq!(explain(&me, Act::Follow, newcomer.id).await, followed);
    me.http.get("/v1/me/explain?action=dance&user_id=1").await.expect_problem(400, "invalid_query");
    me.http.get("/v1/me/explain?action=follow").await.expect_problem(400, "invalid_query");
    app.nobody.get("/v1/me/explain?action=follow&user_id=1").await.expect_problem(401, "unauthenticated");
}

shared::on_both_databases!(explain_equals_the_act, explain_knows_oneself_the_unknown_and_newcomers);
