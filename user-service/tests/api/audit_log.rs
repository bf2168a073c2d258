use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::on_both_databases;
use user_service::domain::account::Role;

use crate::moderation::{give_role, suspend, unsuspend};
use crate::test_app::{Make, Person, TestApp};

on_both_databases!(
    each_act_is_written_down_once,
    filters_and_pages,
    of_many_at_once_each_change_has_its_entry
);

async fn log(by: &Person, query: &str) -> Vec<Value> {
    let page = by.client.get(&format!("/v1/admin/audit-log?limit=100&{query}")).await.expect(200).json();
    page["items"].as_array().unwrap().clone()
}

async fn each_act_is_written_down_once(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let boss = app.with_role("boss", Role::Admin).await;
    let operator = log(&boss, "").await;
    assert_eq!(operator.len(), 1, "the operator made the admin");
    assert_eq!((&operator[0]["operator"], &operator[0]["action"]), (&json!(true), &json!("set_role")));
    assert_eq!(operator[0]["actor_id"], Value::Null);
    let badge = format!("/v1/admin/users/{}/verification", ann.id);
    suspend(&boss, &ann, &json!({"reason": "spam"})).await.expect(200);
    boss.client
        .json(Method::DELETE, &format!("/v1/admin/users/{}/suspension", ann.id), &json!({"reason": "appeal"}))
        .await
        .expect(200);
    boss.client.json(Method::PUT, &badge, &json!({"reason": "passport"})).await.expect(200);
    boss.client.put(&badge).await.expect(200);
    boss.client.delete(&badge).await.expect(200);
    give_role(&boss, &ann, "moderator").await.expect(200);
    suspend(&boss, &boss, &json!({"reason": "spam"})).await.expect(409);
    let ann = app.log_in("ann").await;
    give_role(&ann, &boss, "user").await.expect(403);
    let written: Vec<Value> = log(&boss, &format!("actor_id={}", boss.id)).await;
    let told: Vec<Value> = written
        .iter()
        .rev()
        .map(|entry| json!([entry["action"], entry["reason"], entry["before"], entry["after"],]))
        .collect();
    let closed = json!({"status": "suspended", "reason": "spam", "until": null});
    let expected = [
        json!(["suspend", "spam", {"status": "active"}, closed]),
        json!(["unsuspend", "appeal", closed, {"status": "active"}]),
        json!(["verify", "passport", {"verified": false}, {"verified": true}]),
        json!(["unverify", null, {"verified": true}, {"verified": false}]),
        json!(["set_role", null, {"role": "user"}, {"role": "moderator"}]),
    ];
    assert_eq!(told, expected);
    for entry in &written {
        assert_eq!((&entry["subject_id"], &entry["operator"]), (&json!(ann.id), &json!(false)));
        assert!(entry["id"].is_string() && entry["at"].as_str().unwrap().ends_with('Z'));
    }
    // Moderators may read it, too.
    assert_eq!(log(&ann, "").await.len(), 6);
}

async fn filters_and_pages(make: Make) {
    let app = TestApp::start(make);
    let (one, other) =
        (app.with_role("one", Role::Admin).await, app.with_role("other", Role::Moderator).await);
    let mut people = Vec::new();
    for number in 0..4 {
        people.push(app.register(&format!("person{number}")).await);
    }
    for person in &people {
        for by in [&one, &other] {
            suspend(by, person, &json!({"reason": "spam"})).await.expect(200);
            unsuspend(by, person).await.expect(200);
        }
    }
    let all = log(&one, "").await;
    assert_eq!(all.len(), 18);
    assert!(
        all.is_sorted_by_key(|entry| std::cmp::Reverse(
            entry["id"].as_str().unwrap().parse::<i64>().unwrap()
        ))
    );
    assert!(all.is_sorted_by(|a, b| a["at"].as_str() >= b["at"].as_str()));
    let is = |entry: &Value, name: &str, value: &str| value.is_empty() || entry[name] == value;
    for actor in ["", one.id.as_str(), other.id.as_str(), "operator"] {
        for subject in ["", people[1].id.as_str(), one.id.as_str()] {
            for action in ["", "suspend", "set_role", "verify"] {
                let fits = |entry: &&Value| {
                    let by = if actor == "operator" {
                        entry["operator"] == true
                    } else {
                        is(entry, "actor_id", actor)
                    };
                    by && is(entry, "subject_id", subject) && is(entry, "action", action)
                };
                let expected: Vec<Value> = all.iter().filter(fits).cloned().collect();
                let named = [("actor_id", actor), ("subject_id", subject), ("action", action)];
                let query: Vec<String> = named
                    .iter()
                    .filter(|(_, value)| !value.is_empty())
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                let (mut found, mut cursor) = (Vec::new(), String::new());
                loop {
                    let path = format!("/v1/admin/audit-log?limit=3&{}{cursor}", query.join("&"));
                    let page = one.client.get(&path).await.expect(200).json();
                    found.extend(page["items"].as_array().unwrap().clone());
                    let Some(next) = page["next_cursor"].as_str() else { break };
                    cursor = format!("&cursor={next}");
                }
                assert_eq!(found, expected, "{query:?}");
            }
        }
    }
}

async fn of_many_at_once_each_change_has_its_entry(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let boss = app.with_role("boss", Role::Admin).await;
    let answers = join_all((0..20).map(|number| {
        let (boss, ann) = (&boss, &ann);
        async move {
            match number % 2 {
                0 => suspend(boss, ann, &json!({"reason": "spam"})).await,
                _ => unsuspend(boss, ann).await,
            }
        }
    }))
    .await;
    assert!(answers.iter().all(|answer| answer.status.as_u16() == 200));
    let written = log(&boss, &format!("subject_id={}", ann.id)).await;
    let events = app.events().await;
    let told = events
        .iter()
        .filter(|event| ["user.suspended", "user.unsuspended"].contains(&event["type"].as_str().unwrap()));
    assert_eq!(told.count(), written.len(), "an event for each entry");
    // Each goes on where the one before left.
    for pair in written.windows(2) {
        assert_eq!(pair[0]["before"], pair[1]["after"]);
    }
}
