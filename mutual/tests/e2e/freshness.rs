//! What one service has answered, the other knows.

use std::time::{Duration, Instant};

use actix_web::http::Method;
use serde_json::json;

use crate::world::{Ground, on_both_grounds, rounds};

on_both_grounds!(
    r47_a_newcomer_can_be_followed_at_once,
    r19_privacy_is_honoured_once_answered,
    r19_every_other_privacy_change_is_honoured_once_answered,
    a_revoked_session_ends_everywhere
);

async fn r47_a_newcomer_can_be_followed_at_once(ground: Ground) {
    let world = ground.serve();
    let fan = world.register("fan").await;
    let people = rounds(100);
    for number in 0..people {
        let newcomer = world.register(&format!("newcomer_{number}")).await;
        assert_eq!(fan.follow(&newcomer).await["following"], true);
    }
    assert_eq!(fan.counts().await["following"], people);
}

async fn r19_privacy_is_honoured_once_answered(ground: Ground) {
    let world = ground.serve();
    let (owner, fan) = (world.register("olga").await, world.register("fan").await);
    for _ in 0..rounds(40) {
        owner.go_private(true).await;
        assert_eq!(fan.follow(&owner).await["requested"], true);
        let path = format!("/v1/users/{}/followers", owner.id);
        fan.relations.get(&path).await.expect_problem(403, "private_list");
        owner.go_private(false).await;
        // Going public accepts what waits, within five seconds.
        let started = Instant::now();
        while fan.relationship(&owner).await["following"] != true {
            assert!(started.elapsed() < Duration::from_secs(5), "the request still waits");
        }
        fan.relations.delete(&format!("/v1/me/following/{}", owner.id)).await.expect(200);
    }
    ground.audit();
}

async fn r19_every_other_privacy_change_is_honoured_once_answered(ground: Ground) {
    let world = ground.serve();
    let (owner, fan) = (world.register("olga").await, world.register("fan").await);
    let create = ["admin", "service-token", "create", "--name", "gateway", "--scopes", "visibility"];
    let token = String::from_utf8(ground.run(&create).stdout).unwrap();
    let gateway = fan.relations.with_token(token.trim());
    let set = async |setting: &str, value: serde_json::Value| {
        let body = json!({ setting: value });
        owner.users.json(Method::PATCH, "/v1/me/privacy", &body).await.expect(200);
    };
    let may = async |action: &str| {
        let check = json!({"viewer_id": fan.id, "owner_id": owner.id, "action": action});
        let body = json!({"checks": [check]});
        gateway.json(Method::POST, "/v1/visibility", &body).await.expect(200).json()["items"][0]["allow"]
            .clone()
    };
    for _ in 0..rounds(10) {
        for (closed, opened, listed) in [("only_me", "everyone", 403), ("followers", "everyone", 403)] {
            let path = format!("/v1/users/{}/following", owner.id);
            set("show_relations", json!(closed)).await;
            assert_eq!(fan.relations.get(&path).await.status, listed);
            set("show_relations", json!(opened)).await;
            fan.relations.get(&path).await.expect(200);
        }
        let path = format!("/v1/users/{}/counts", owner.id);
        for shown in [false, true] {
            set("show_counts", json!(shown)).await;
            let counts = fan.relations.get(&path).await.expect(200).json();
            assert_eq!(counts["followers"].is_null(), !shown);
        }
        for (setting, action) in
            [("messages_from", "message"), ("comments_from", "comment"), ("mentions_from", "mention")]
        {
            for (audience, allowed) in
                [("nobody", false), ("friends", false), ("followers", false), ("everyone", true)]
            {
                set(setting, json!(audience)).await;
                assert_eq!(may(action).await, allowed, "{setting} {audience}");
            }
        }
    }
    ground.audit();
}

async fn a_revoked_session_ends_everywhere(ground: Ground) {
    let world = ground.serve();
    let person = world.register("somebody").await;
    person.relations.get("/v1/me/blocks").await.expect(200);
    person.users.send(Method::DELETE, "/v1/me/sessions/current", &[], Vec::new()).await.expect(204);
    person.users.get("/v1/me").await.expect_problem(401, "unauthenticated");
    let started = Instant::now();
    while person.relations.get("/v1/me/blocks").await.status != 401 {
        assert!(started.elapsed() < Duration::from_secs(5), "the other service still believes the token");
    }
    let login = json!({ "login": "somebody", "password": "a long and odd passphrase" });
    person.users.json(Method::POST, "/v1/sessions", &login).await.expect(201);
}
