use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::{Clock, Micros};
use shared::facts::{AccountStatus, UserFacts};
use shared::on_both_databases;
use user_service::domain::account::Role;
use user_service::store::audit::audit;

use crate::deactivation::{deactivate, while_reading, without_request_id};
use crate::moderation::{last_event, spam, suspend, unsuspend};
use crate::test_app::{Make, PASSWORD, TestApp, held_clock};

on_both_databases!(
    a_suspended_person_is_nowhere_and_signed_out,
    suspending_again_changes_nothing_but_why_and_until_when,
    lifting_returns_to_what_was,
    a_suspension_ends_at_its_time,
    a_suspension_ends_by_itself,
    suspension_is_answered_once_the_other_service_honours_it,
    so_is_the_login_that_finds_it_over,
);

async fn a_suspended_person_is_nowhere_and_signed_out(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let phone = app.log_in("ann").await;
    let judge = app.with_role("judge", Role::Moderator).await;
    let seen = app.events().await.len();
    let answer = suspend(&judge, &ann, &json!({"reason": "spam", "until": null})).await.expect(200).json();
    assert_eq!((&answer["id"], &answer["status"]), (&json!(ann.id), &json!("suspended")));
    let said = &answer["suspension"];
    assert_eq!(
        (&said["reason"], &said["until"], &said["by"]),
        (&json!("spam"), &Value::Null, &json!(judge.id))
    );
    for person in [&ann, &phone] {
        person.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
        person.client.get(&format!("/v1/users/{}", bob.id)).await.expect_problem(401, "unauthenticated");
        app.refresh(person.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    }
    let nobody = bob.client.get("/v1/users/7").await.expect_problem(404, "user_not_found");
    for path in [ann.id.as_str(), "by-username/ann"] {
        let hidden = bob.client.get(&format!("/v1/users/{path}")).await.expect_problem(404, "user_not_found");
        assert_eq!(without_request_id(&hidden), without_request_id(&nobody));
    }
    // The right password is answered like a wrong one, and like one of nobody.
    let right = app.try_log_in("ann", PASSWORD).await.expect_problem(401, "invalid_credentials");
    for (login, password) in [("ann", "wrong"), ("nobody", PASSWORD)] {
        let wrong = app.try_log_in(login, password).await;
        assert_eq!(without_request_id(&right), without_request_id(&wrong));
    }
    app.try_register("ann").await.expect_problem(409, "username_taken");
    let events = app.events().await.split_off(seen);
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user.suspended", "session.revoked", "session.revoked"]);
    for event in &events {
        assert_eq!((&event["actor_id"], &event["subject_id"]), (&json!(judge.id), &json!(ann.id)));
    }
    let facts: UserFacts = serde_json::from_value(events[0]["data"].clone()).unwrap();
    assert_eq!(facts.status, AccountStatus::Suspended);
    assert!(audit(&mut app.conn()).unwrap().iter().all(|finding| finding.drift == 0));
    // After a restart, too.
    let app = app.restart().await;
    app.client.with_token(ann.access_token()).get("/v1/me").await.expect_problem(401, "unauthenticated");
}

async fn suspending_again_changes_nothing_but_why_and_until_when(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let judge = app.with_role("judge", Role::Moderator).await;
    let first = suspend(&judge, &ann, &spam()).await.expect(200).json();
    let events = app.events().await.len();
    assert_eq!(suspend(&judge, &ann, &spam()).await.expect(200).json(), first);
    let until = json!({"reason": "worse spam", "until": "2099-01-01T00:00:00.000Z"});
    let second = suspend(&judge, &ann, &until).await.expect(200).json();
    assert_eq!(second["suspension"]["since"], first["suspension"]["since"]);
    assert_eq!(second["suspension"]["until"], until["until"]);
    assert_eq!(suspend(&judge, &ann, &until).await.expect(200).json(), second);
    assert_eq!(app.events().await.len(), events, "others know already");
    let log = judge.client.get("/v1/admin/audit-log?action=suspend").await.expect(200).json();
    let log = log["items"].as_array().unwrap();
    assert_eq!(log.len(), 2);
    assert_eq!(log[0]["before"], json!({"status": "suspended", "reason": "spam", "until": null}));
    assert_eq!(log[0]["after"]["until"], until["until"]);
    for _ in 0..2 {
        let lifted = unsuspend(&judge, &ann).await.expect(200).json();
        assert_eq!((&lifted["status"], &lifted["suspension"]), (&json!("active"), &Value::Null));
    }
    assert_eq!(app.events().await.len(), events + 1);
    app.log_in("ann").await;
}

async fn lifting_returns_to_what_was(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let judge = app.with_role("judge", Role::Moderator).await;
    let path = format!("/v1/users/{}", bob.id);
    let public = app.client.get(&path).await.json();
    deactivate(&ann, PASSWORD).await.expect(202);
    for person in [&ann, &bob] {
        suspend(&judge, person, &spam()).await.expect(200);
        app.client.get(&format!("/v1/users/{}", person.id)).await.expect(404);
    }
    assert_eq!(unsuspend(&judge, &bob).await.expect(200).json()["status"], "active");
    assert_eq!(app.client.get(&path).await.expect(200).json(), public);
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "invalid_credentials");
    assert_eq!(unsuspend(&judge, &ann).await.expect(200).json()["status"], "deactivated");
    let event = last_event(&app).await;
    assert_eq!(
        (&event["type"], &event["data"]["status"]),
        (&json!("user.unsuspended"), &json!("deactivated"))
    );
    app.client.get(&format!("/v1/users/{}", ann.id)).await.expect(404);
    let back = app.log_in("ann").await;
    back.client.get("/v1/me").await.expect(200);
    assert_eq!(last_event(&app).await["type"], "user.reactivated");
    // What ended stays ended.
    bob.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
}

async fn a_suspension_ends_at_its_time(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let ann = app.register("ann").await;
    let judge = app.with_role("judge", Role::Moderator).await;
    let clock = app.settings.clock.clone();
    let until = Micros::from_millis(clock.now().as_millis() + 60_000);
    suspend(&judge, &ann, &json!({"reason": "spam", "until": until})).await.expect(200);
    clock.advance(until.since(clock.now()) - Duration::from_millis(1));
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "invalid_credentials");
    clock.advance(Duration::from_millis(1));
    // Whoever comes first, the owner or the timer.
    app.log_in("ann").await;
    let event = last_event(&app).await;
    assert_eq!((&event["type"], &event["actor_id"]), (&json!("user.unsuspended"), &Value::Null));
    let path = format!("/v1/admin/audit-log?subject_id={}&action=unsuspend", ann.id);
    let log = judge.client.get(&path).await.expect(200).json();
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    let entry = &log["items"][0];
    assert_eq!((&entry["actor_id"], &entry["operator"]), (&Value::Null, &json!(false)));
    assert_eq!(entry["before"]["until"], json!(until));
}

async fn a_suspension_ends_by_itself(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let judge = app.with_role("judge", Role::Moderator).await;
    deactivate(&bob, PASSWORD).await.expect(202);
    let until = Micros::from_millis(Clock::system().now().as_millis() + 700);
    for person in [&ann, &bob] {
        let forever = json!({"reason": "spam"});
        suspend(&judge, person, &forever).await.expect(200);
        suspend(&judge, person, &json!({"reason": "spam", "until": until})).await.expect(200);
    }
    let (feed, path) = (app.service(&["events"]), format!("/v1/users/{}", ann.id));
    app.client.get(&path).await.expect(404);
    let mut told: Vec<Value> = Vec::new();
    let mut after = app.handle.revision();
    while told.len() < 2 {
        let page = feed.get(&format!("/v1/events?after={after}&wait_ms=10000")).await.expect(200).json();
        after = page["next_after"].as_i64().unwrap();
        let items = page["items"].as_array().unwrap();
        assert!(!items.is_empty(), "it does not end");
        told.extend(items.iter().filter(|event| event["type"] == "user.unsuspended").cloned());
    }
    for event in &told {
        let at: Micros = serde_json::from_value(event["at"].clone()).unwrap();
        assert!(at >= until && at.since(until) < Duration::from_secs(2), "{at} {until}");
        assert_eq!(event["actor_id"], Value::Null);
    }
    app.client.get(&path).await.expect(200);
    let states = told.iter().map(|event| event["data"]["status"].as_str().unwrap()).collect::<HashSet<_>>();
    assert_eq!(states, HashSet::from(["active", "deactivated"]), "each as it was");
    assert!(audit(&mut app.conn()).unwrap().iter().all(|finding| finding.drift == 0));
}

async fn suspension_is_answered_once_the_other_service_honours_it(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let judge = app.with_role("judge", Role::Moderator).await;
    let relation = app.relation_service();
    // It has read something and then stands still.
    relation.get("/v1/events?after=1").await.expect(200);
    let behind = suspend(&judge, &ann, &spam()).await.expect(202);
    assert_eq!(behind.header("mutual-pending"), "relation");
    assert_eq!(behind.json()["status"], "suspended");
    assert_eq!(unsuspend(&judge, &ann).await.expect(202).header("mutual-pending"), "relation");
    let after = app.handle.revision();
    let answer = while_reading(&relation, after, "user.suspended", suspend(&judge, &ann, &spam())).await;
    assert_eq!(answer.expect(200).header("mutual-pending"), "");
    let after = app.handle.revision();
    let answer = while_reading(&relation, after, "user.unsuspended", unsuspend(&judge, &ann)).await;
    assert_eq!(answer.expect(200).header("mutual-pending"), "");
}

async fn so_is_the_login_that_finds_it_over(make: Make) {
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| settings.clock = clock.clone());
    let ann = app.register("ann").await;
    let judge = app.with_role("judge", Role::Moderator).await;
    let relation = app.relation_service();
    for (is_deactivated, pending) in [(false, "relation"), (true, "relation"), (false, "")] {
        if is_deactivated {
            let ann = app.log_in("ann").await;
            deactivate(&ann, PASSWORD).await.expect(202);
        }
        let until = Micros::from_millis(clock.now().as_millis() + 60_000);
        suspend(&judge, &ann, &json!({"reason": "spam", "until": until})).await;
        relation.get(&format!("/v1/events?after={}", app.handle.revision())).await.expect(200);
        // The timer sleeps by the system's clock: the login comes first.
        clock.advance(Duration::from_secs(61));
        let log_in = app.try_log_in("ann", PASSWORD);
        let answer = if pending.is_empty() {
            while_reading(&relation, app.handle.revision(), "user.unsuspended", log_in).await
        } else {
            log_in.await
        };
        assert_eq!(answer.expect(201).header("mutual-pending"), pending, "{is_deactivated}");
    }
}
