//! What one service has answered, the other knows.

use std::time::{Duration, Instant};

use actix_web::http::Method;
use serde_json::json;

use crate::world::{Ground, PASSWORD, Person, on_both_grounds, rounds};

on_both_grounds!(
    r47_a_newcomer_can_be_followed_at_once,
    r19_privacy_is_honoured_once_answered,
    r19_every_other_privacy_change_is_honoured_once_answered,
    whatever_ends_a_session_ends_it_everywhere
);

/// After a change.
const NEW_PASSWORD: &str = "another long and odd passphrase";
/// Within this, the other service knows too.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

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

/// What ends sessions.
#[derive(Debug, Clone, Copy)]
enum End {
    LogOut,
    PasswordChange,
    PasswordReset,
    Suspension,
    Deactivation,
    Deletion,
}

async fn whatever_ends_a_session_ends_it_everywhere(ground: Ground) {
    use End::{Deactivation, Deletion, LogOut, PasswordChange, PasswordReset, Suspension};
    let world = ground.serve();
    let judge = world.register("judge_of_all").await;
    assert!(ground.run(&["admin", "role", "--username", "judge_of_all", "--role", "admin"]).status.success());
    for round in 0..rounds(3) {
        for end in [LogOut, PasswordChange, PasswordReset, Suspension, Deactivation, Deletion] {
            let name = format!("{end:?}_{round}").to_lowercase();
            world.register(&name).await;
            // Two more, of which one does what ends the other, or both.
            let (doer, other) = (world.log_in(&name, PASSWORD).await, world.log_in(&name, PASSWORD).await);
            for person in [&doer, &other] {
                person.relations.get("/v1/me/blocks").await.expect(200);
            }
            bring_about(end, &ground, &judge, &doer, &name).await;
            let answered = Instant::now();
            let ended = match end {
                LogOut => vec![&doer],
                PasswordChange => vec![&other],
                PasswordReset | Suspension | Deactivation | Deletion => vec![&doer, &other],
            };
            for person in ended {
                for (client, path) in [(&person.users, "/v1/me"), (&person.relations, "/v1/me/blocks")] {
                    while client.get(path).await.status != 401 {
                        assert!(
                            answered.elapsed() < KNOWN_WITHIN,
                            "{end:?}: {path} still believes the token"
                        );
                    }
                    client.get(path).await.expect_problem(401, "unauthenticated");
                }
            }
            let kept = match end {
                LogOut => Some(&other),
                PasswordChange => Some(&doer),
                PasswordReset | Suspension | Deactivation | Deletion => None,
            };
            if let Some(person) = kept {
                person.users.get("/v1/me").await.expect(200);
                person.relations.get("/v1/me/blocks").await.expect(200);
            }
        }
    }
    let again = world.log_in("logout_0", PASSWORD).await;
    again.relations.get("/v1/me/blocks").await.expect(200);
}

/// Does what ends sessions of `doer`, and returns once it is answered.
async fn bring_about(end: End, ground: &Ground, judge: &Person, doer: &Person, name: &str) {
    let users = &doer.users;
    let password = json!({ "password": PASSWORD });
    match end {
        End::LogOut => {
            users.delete("/v1/me/sessions/current").await.expect(204);
        }
        End::PasswordChange => {
            let body = json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD});
            users.json(Method::PUT, "/v1/me/password", &body).await.expect(204);
        }
        End::PasswordReset => {
            let email = format!("{name}@example.com");
            users.json(Method::POST, "/v1/password-resets", &json!({"email": email})).await.expect(202);
            let token = ground.mailed_token("password_reset", &email).await;
            let body = json!({"token": token, "new_password": NEW_PASSWORD});
            users.json(Method::POST, "/v1/password-resets/confirm", &body).await.expect(204);
        }
        End::Suspension => {
            let path = format!("/v1/admin/users/{}/suspension", doer.id);
            judge.users.json(Method::PUT, &path, &json!({"reason": "spam"})).await.expect(200);
        }
        End::Deactivation => {
            users.json(Method::POST, "/v1/me/deactivation", &password).await.expect(202);
        }
        End::Deletion => {
            users.json(Method::POST, "/v1/me/deletion", &password).await.expect(202);
        }
    }
}
