use actix_web::http::Method;
use futures_util::future::join;
use serde_json::{Value, json};
use shared::on_both_databases;
use shared::testing::Answer;
use user_service::domain::account::Role;

use crate::deactivation::deactivate;
use crate::test_app::{Make, PASSWORD, Person, TestApp};

on_both_databases!(
    each_route_asks_for_a_role,
    the_role_is_asked_for_before_anything_else,
    a_role_is_the_one_of_now,
    moderators_act_on_plain_users_alone,
    nobody_acts_on_themselves_and_the_last_admin_stays,
    two_admins_who_demote_each_other_leave_one,
    badges_and_roles_are_told,
    what_is_refused,
);

pub async fn suspend(by: &Person, whom: &Person, body: &Value) -> Answer {
    by.client.json(Method::PUT, &format!("/v1/admin/users/{}/suspension", whom.id), body).await
}

pub async fn unsuspend(by: &Person, whom: &Person) -> Answer {
    by.client.delete(&format!("/v1/admin/users/{}/suspension", whom.id)).await
}

pub async fn give_role(by: &Person, whom: &Person, role: &str) -> Answer {
    by.client.json(Method::PUT, &format!("/v1/admin/users/{}/role", whom.id), &json!({"role": role})).await
}

pub fn spam() -> Value {
    json!({"reason": "spam"})
}

pub async fn last_event(app: &TestApp) -> Value {
    app.events().await.pop().unwrap()
}

async fn each_route_asks_for_a_role(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let of_ann = |what: &str| format!("/v1/admin/users/{}{what}", ann.id);
    let routes = [
        (Method::PUT, of_ann("/suspension"), spam()),
        (Method::DELETE, of_ann("/suspension"), json!({})),
        (Method::PUT, of_ann("/verification"), json!({})),
        (Method::DELETE, of_ann("/verification"), json!({})),
        (Method::PUT, of_ann("/role"), json!({"role": "admin"})),
        (Method::GET, of_ann(""), json!({})),
        (Method::GET, "/v1/admin/users".to_owned(), json!({})),
        (Method::GET, "/v1/admin/audit-log".to_owned(), json!({})),
    ];
    let before = app.handle.revision();
    for (method, path, body) in &routes {
        let send = async |client: &shared::testing::Client| client.json(method.clone(), path, body).await;
        send(&app.client).await.expect_problem(401, "unauthenticated");
        send(&app.relation_service()).await.expect_problem(403, "not_for_services");
        send(&bob.client).await.expect_problem(403, "forbidden");
        send(&ann.client).await.expect_problem(403, "forbidden");
    }
    assert_eq!(app.handle.revision(), before);
    let admin = app.with_role("boss", Role::Admin).await;
    for (method, path, body) in &routes {
        admin.client.json(method.clone(), path, body).await.expect(200);
    }
    for (path, allow) in [("/suspension", "PUT, DELETE"), ("/role", "PUT"), ("", "GET, HEAD")] {
        let answer = admin.client.post(&of_ann(path)).await.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow);
    }
    let no_delete = admin.client.delete("/v1/admin/audit-log").await;
    no_delete.expect_problem(405, "method_not_allowed");
}

/// Who may not ask learns nothing of how to.
async fn the_role_is_asked_for_before_anything_else(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let (mod1, boss) =
        (app.with_role("mod1", Role::Moderator).await, app.with_role("boss", Role::Admin).await);
    let json = ("content-type", "application/json");
    let users = "/v1/admin/users";
    for (method, path, headers, body, status) in [
        (Method::PUT, format!("{users}/x/suspension"), vec![json], "{}", 400),
        (Method::PUT, format!("{users}/{}/suspension", ann.id), vec![json], "{", 400),
        (Method::PUT, format!("{users}/{}/suspension", ann.id), vec![], "{}", 415),
        (Method::DELETE, format!("{users}/{}/suspension", ann.id), vec![json], "[]", 400),
        (Method::PUT, format!("{users}/{}/verification?x=1", ann.id), vec![json], "{}", 400),
        (Method::PUT, format!("{users}/{}/role", ann.id), vec![json], r#"{"role": 1}"#, 400),
        (Method::GET, format!("{users}/x"), vec![], "", 400),
        (Method::GET, format!("{users}?x=1"), vec![], "", 400),
        (Method::GET, format!("{users}?limit=0"), vec![], "", 400),
        (Method::GET, "/v1/admin/audit-log?x=1".to_owned(), vec![], "", 400),
    ] {
        let send = async |client: &shared::testing::Client| {
            client.send(method.clone(), &path, &headers, body.as_bytes().to_vec()).await
        };
        send(&app.client).await.expect_problem(401, "unauthenticated");
        send(&ann.client).await.expect_problem(403, "forbidden");
        send(&boss.client).await.expect(status);
        let of_role = path.ends_with("/role");
        send(&mod1.client).await.expect(if of_role { 403 } else { status });
    }
    // What is not there is not there for anybody.
    ann.client.get("/v1/admin/nothing").await.expect(404);
    app.client.delete("/v1/admin/audit-log").await.expect_problem(405, "method_not_allowed");
}

async fn a_role_is_the_one_of_now(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let boss = app.with_role("boss", Role::Admin).await;
    suspend(&ann, &bob, &spam()).await.expect_problem(403, "forbidden");
    // With the token that she has had all along.
    give_role(&boss, &ann, "moderator").await.expect(200);
    assert_eq!(ann.client.get("/v1/me").await.json()["role"], "moderator");
    suspend(&ann, &bob, &spam()).await.expect(200);
    give_role(&boss, &ann, "user").await.expect(200);
    unsuspend(&ann, &bob).await.expect_problem(403, "forbidden");
    // Who is gone has no role.
    give_role(&boss, &ann, "admin").await.expect(200);
    suspend(&boss, &ann, &spam()).await.expect(200);
    unsuspend(&ann, &bob).await.expect_problem(401, "unauthenticated");
}

async fn moderators_act_on_plain_users_alone(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let (mod1, mod2) =
        (app.with_role("mod1", Role::Moderator).await, app.with_role("mod2", Role::Moderator).await);
    let boss = app.with_role("boss", Role::Admin).await;
    for whom in [&mod1, &mod2, &boss] {
        suspend(&mod1, whom, &spam()).await.expect_problem(403, "forbidden");
        unsuspend(&mod1, whom).await.expect_problem(403, "forbidden");
        give_role(&mod1, whom, "user").await.expect_problem(403, "forbidden");
        let badge = format!("/v1/admin/users/{}/verification", whom.id);
        mod1.client.put(&badge).await.expect_problem(403, "forbidden");
    }
    give_role(&mod1, &ann, "moderator").await.expect_problem(403, "forbidden");
    suspend(&mod1, &ann, &spam()).await.expect(200);
    unsuspend(&mod2, &ann).await.expect(200);
    suspend(&boss, &mod1, &spam()).await.expect(200);
    unsuspend(&boss, &mod1).await.expect(200);
}

async fn nobody_acts_on_themselves_and_the_last_admin_stays(make: Make) {
    let app = TestApp::start(make);
    let boss = app.with_role("boss", Role::Admin).await;
    for role in ["user", "moderator"] {
        give_role(&boss, &boss, role).await.expect_problem(409, "last_admin");
    }
    suspend(&boss, &boss, &spam()).await.expect_problem(409, "last_admin");
    give_role(&boss, &boss, "admin").await.expect(200);
    let second = app.with_role("second", Role::Admin).await;
    give_role(&boss, &boss, "user").await.expect_problem(403, "not_on_yourself");
    suspend(&boss, &boss, &spam()).await.expect_problem(403, "not_on_yourself");
    // One who is away is nobody to rely on.
    deactivate(&second, PASSWORD).await.expect(202);
    give_role(&boss, &boss, "user").await.expect_problem(409, "last_admin");
    let second = app.log_in("second").await;
    give_role(&second, &boss, "user").await.expect(200);
    suspend(&second, &second, &spam()).await.expect_problem(409, "last_admin");
    app.try_give_role(&second, Role::User).unwrap_err();
}

async fn two_admins_who_demote_each_other_leave_one(make: Make) {
    let app = TestApp::start(make);
    let (one, other) = (app.with_role("one", Role::Admin).await, app.with_role("other", Role::Admin).await);
    for _ in 0..5 {
        let answers = join(give_role(&one, &other, "user"), give_role(&other, &one, "user")).await;
        let done = [&answers.0, &answers.1].iter().filter(|answer| answer.status.as_u16() == 200).count();
        assert_eq!(done, 1, "{answers:?}");
        let roles = [one.client.get("/v1/me").await, other.client.get("/v1/me").await];
        let roles = roles.map(|me| me.json()["role"].as_str().unwrap().to_owned());
        assert_eq!(roles.iter().filter(|role| *role == "admin").count(), 1);
        let winner = if roles[0] == "admin" { [&one, &other] } else { [&other, &one] };
        give_role(winner[0], winner[1], "admin").await.expect(200);
    }
}

async fn badges_and_roles_are_told(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let boss = app.with_role("boss", Role::Admin).await;
    let badge = format!("/v1/admin/users/{}/verification", ann.id);
    let path = format!("/v1/users/{}", ann.id);
    let tag = app.client.get(&path).await.header("etag").to_owned();
    for (method, verified) in [(Method::PUT, true), (Method::DELETE, false)] {
        let events = app.events().await.len();
        for _ in 0..2 {
            let body = json!({"reason": "seen the passport"});
            let answer = boss.client.json(method.clone(), &badge, &body).await.expect(200);
            assert_eq!(
                (answer.json()["verified"].as_bool(), answer.header("mutual-pending")),
                (Some(verified), "")
            );
        }
        assert_eq!(app.client.get(&path).await.expect(200).json()["verified"], verified);
        assert_ne!(app.client.get(&path).await.header("etag"), tag);
        assert_eq!(app.events().await.len(), events + 1);
        let event = last_event(&app).await;
        assert_eq!((&event["type"], &event["data"]["verified"]), (&json!("user.updated"), &json!(verified)));
        assert_eq!((&event["actor_id"], &event["subject_id"]), (&json!(boss.id), &json!(ann.id)));
    }
    let events = app.events().await.len();
    for role in ["moderator", "moderator", "admin"] {
        assert_eq!(give_role(&boss, &ann, role).await.expect(200).json()["role"], role);
    }
    assert_eq!(app.events().await.len(), events + 2);
    let event = last_event(&app).await;
    assert_eq!((&event["type"], &event["actor_id"]), (&json!("user.updated"), &json!(boss.id)));
    // A change of the profile by its owner keeps what others gave.
    let bio = ann.client.json(Method::PATCH, "/v1/me", &json!({"bio": "x"})).await.expect(200).json();
    assert_eq!((&bio["role"], &bio["bio"]), (&json!("admin"), &json!("x")));
}

async fn what_is_refused(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let boss = app.with_role("boss", Role::Admin).await;
    let events = app.events().await.len();
    for (body, field, code) in [
        (json!({}), "reason", "required"),
        (json!({"reason": ""}), "reason", "too_short"),
        (json!({"reason": "x".repeat(501)}), "reason", "too_long"),
        (json!({"reason": "\u{202e}"}), "reason", "invalid_characters"),
        (json!({"reason": "x", "until": "2001-01-01T00:00:00Z"}), "until", "out_of_range"),
        (json!({"reason": "x", "until": "tomorrow"}), "until", "invalid_format"),
        (json!({"reason": "x", "until": ""}), "until", "invalid_format"),
    ] {
        let errors = suspend(&boss, &ann, &body).await.expect_problem(422, "validation_failed").json();
        assert_eq!(
            (&errors["errors"][0]["field"], &errors["errors"][0]["code"]),
            (&json!(field), &json!(code))
        );
    }
    for body in
        [json!({"reason": "x", "until": 5}), json!({"reason": 5}), json!({"reason": "x", "for": "ever"})]
    {
        suspend(&boss, &ann, &body).await.expect_problem(400, "invalid_body");
    }
    let both = suspend(&boss, &ann, &json!({"until": "tomorrow"})).await.expect(422).json();
    assert_eq!(
        (&both["errors"][0]["field"], &both["errors"][1]["field"]),
        (&json!("reason"), &json!("until"))
    );
    let god = give_role(&boss, &ann, "god").await.expect_problem(422, "validation_failed").json();
    assert_eq!(god["errors"][0]["field"], "role");
    assert_eq!(god["errors"][0]["detail"], "must be one of user, moderator, admin");
    let role = format!("/v1/admin/users/{}/role", ann.id);
    boss.client.json(Method::PUT, &role, &json!({"role": 1})).await.expect_problem(400, "invalid_body");
    boss.client.json(Method::PUT, &role, &json!({})).await.expect_problem(422, "validation_failed");
    for (id, status, code) in
        [("7", 404, "user_not_found"), ("x", 400, "invalid_id"), ("0", 400, "invalid_id")]
    {
        for what in ["suspension", "verification", "role"] {
            let path = format!("/v1/admin/users/{id}/{what}");
            let body = match what {
                "suspension" => spam(),
                "role" => json!({"role": "user"}),
                _ => json!({}),
            };
            boss.client.json(Method::PUT, &path, &body).await.expect_problem(status, code);
        }
        boss.client.get(&format!("/v1/admin/users/{id}")).await.expect_problem(status, code);
    }
    assert_eq!(app.events().await.len(), events);
}
