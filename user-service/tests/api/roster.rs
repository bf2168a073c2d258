use std::collections::HashSet;

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::on_both_databases;
use user_service::domain::account::Role;

use crate::deactivation::deactivate;
use crate::moderation::{suspend, unsuspend};
use crate::test_app::{Make, PASSWORD, Person, TestApp, held_clock};

on_both_databases!(
    a_row_says_everything_that_a_moderator_needs,
    each_filter_finds_the_same_as_a_look_at_everybody,
    people_are_found_by_name_and_by_address,
    queries_that_cannot_be_read,
);

async fn a_row_says_everything_that_a_moderator_needs(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let ann = app.register("ann").await;
    let boss = app.with_role("boss", Role::Admin).await;
    app.settings.clock.advance(std::time::Duration::from_secs(5));
    let signed_in = app.settings.clock.now();
    let again = app.log_in("ann").await;
    again.client.delete("/v1/me/sessions/current").await.expect(204);
    let row = boss.client.get(&format!("/v1/admin/users/{}", ann.id)).await.expect(200).json();
    let public = app.client.get(&format!("/v1/users/{}", ann.id)).await.json();
    for (field, value) in public.as_object().unwrap() {
        assert_eq!(&row[field], value, "{field}");
    }
    let own = json!({"email": "mail.ann@example.com", "email_verified": false, "role": "user",
        "status": "active", "suspension": null, "last_sign_in_at": signed_in});
    for (field, value) in own.as_object().unwrap() {
        assert_eq!(&row[field], value, "{field}");
    }
    assert!(row.get("password_hash").is_none());
    suspend(&boss, &ann, &json!({"reason": "spam"})).await.expect(200);
    let row = boss.client.get(&format!("/v1/admin/users/{}", ann.id)).await.expect(200).json();
    assert_eq!(row["suspension"]["by"], boss.id);
    let listed = boss.client.get("/v1/admin/users?status=suspended").await.expect(200).json();
    assert_eq!(listed["items"], json!([row]), "the list says the same");
    unsuspend(&boss, &ann).await.expect(200);
}

/// Everybody that a query finds, in pages of `limit`.
async fn walk(boss: &Person, query: &str, limit: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/admin/users?{query}&limit={limit}{cursor}");
        let answer = boss.client.get(&path).await.expect(200);
        let page = answer.json();
        let items = page["items"].as_array().unwrap();
        found.extend(items.clone());
        match page["next_cursor"].as_str() {
            Some(next) => {
                assert_eq!(items.len(), limit, "a page that goes on is full");
                assert!(answer.header("link").contains("rel=\"next\""));
                cursor = format!("&cursor={next}");
            }
            None => return found,
        }
    }
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["username"].as_str().unwrap()).collect()
}

async fn each_filter_finds_the_same_as_a_look_at_everybody(make: Make) {
    let app = TestApp::start(make);
    let boss = app.with_role("boss", Role::Admin).await;
    for number in 0..24 {
        let person = app.register(&format!("person{number}")).await;
        let path = format!("/v1/admin/users/{}", person.id);
        if number % 3 == 0 {
            boss.client.put(&format!("{path}/verification")).await.expect(200);
        }
        if number % 5 == 1 {
            let role = if number % 2 == 0 { "moderator" } else { "admin" };
            boss.client.json(Method::PUT, &format!("{path}/role"), &json!({"role": role})).await.expect(200);
        }
        match number % 4 {
            1 => drop(suspend(&boss, &person, &json!({"reason": "spam"})).await.expect(200)),
            2 => drop(deactivate(&person, PASSWORD).await.expect(202)),
            _ => {}
        }
    }
    let all = walk(&boss, "", 7).await;
    assert_eq!(all.len(), 25);
    let created: Vec<&str> = all.iter().map(|row| row["created_at"].as_str().unwrap()).collect();
    assert!(created.is_sorted_by(|one, other| one >= other), "newest first");
    let (since, before) = (created[18], created[4]);
    let spans = [
        String::new(),
        format!("&created_since={since}"),
        format!("&created_before={before}"),
        format!("&created_since={since}&created_before={before}"),
    ];
    for status in ["", "active", "suspended", "deactivated", "deleted"] {
        for role in ["", "user", "moderator", "admin"] {
            for verified in ["", "true", "false"] {
                let mut query: Vec<String> = Vec::new();
                for (name, value) in [("status", status), ("role", role), ("verified", verified)] {
                    if !value.is_empty() {
                        query.push(format!("{name}={value}"));
                    }
                }
                let is = |row: &Value, name: &str, value: &str| value.is_empty() || row[name] == value;
                let fits = |row: &&Value| {
                    is(row, "status", status)
                        && is(row, "role", role)
                        && (verified.is_empty() || row["verified"] == (verified == "true"))
                };
                for (index, span) in spans.iter().enumerate() {
                    let in_span = |row: &&Value| {
                        let at = row["created_at"].as_str().unwrap();
                        (index & 1 == 0 || at >= since) && (index & 2 == 0 || at < before)
                    };
                    let expected: Vec<Value> = all.iter().filter(fits).filter(in_span).cloned().collect();
                    let query = query.join("&") + span;
                    assert_eq!(names(&walk(&boss, &query, 3).await), names(&expected), "{query}");
                }
            }
        }
    }
}

async fn people_are_found_by_name_and_by_address(make: Make) {
    let app = TestApp::start(make);
    let boss = app.with_role("boss", Role::Admin).await;
    let mut known = HashSet::new();
    for name in ["ab", "ab.c", "ab_c", "abc", "ab0", "abz", "b", "ba", "ab.c_d", "abcdefghijklmnopqrstuvwx"] {
        if name.len() > 1 {
            app.register(name).await;
            known.insert(name);
        }
    }
    let mut expected: Vec<&str> = known.iter().copied().filter(|name| name.starts_with("ab")).collect();
    expected.sort_unstable();
    for limit in [1, 2, 3, 100] {
        assert_eq!(names(&walk(&boss, "q=AB", limit).await), expected, "{limit}");
        assert_eq!(names(&walk(&boss, "q=ab&status=active&role=user", limit).await), expected);
    }
    assert_eq!(names(&walk(&boss, "q=", 2).await).len(), known.len() + 1, "everybody, by name");
    for nobody in [
        "q=zz",
        "q=a%20b",
        "q=%25",
        "q=%F0%9F%A6%80",
        "q=ab&role=moderator",
        "email=x",
        "email=no@example.com",
        "email=mail.abc@example.com&role=admin",
        "email=mail.abc@example.com&q=b",
    ] {
        assert!(walk(&boss, nobody, 2).await.is_empty(), "{nobody}");
    }
    for found in [
        "email=mail.abc@example.com",
        "email=MAIL.abc@Example.com&q=a&status=active&verified=false",
        "email=mail.abc@example.com&created_since=2001-01-01T00:00:00Z",
    ] {
        assert_eq!(names(&walk(&boss, found, 2).await), ["abc"], "{found}");
    }
}

async fn queries_that_cannot_be_read(make: Make) {
    let app = TestApp::start(make);
    let boss = app.with_role("boss", Role::Admin).await;
    for number in 0..3 {
        app.register(&format!("person{number}")).await;
    }
    for query in [
        "status=Active",
        "status=",
        "role=root",
        "verified=yes",
        "created_since=now",
        "nonsense=1",
        "q=a&created_since=2020-01-01T00:00:00Z",
        "q=a&created_before=2020-01-01T00:00:00Z",
    ] {
        boss.client.get(&format!("/v1/admin/users?{query}")).await.expect_problem(400, "invalid_query");
    }
    for limit in ["0", "-1", "x"] {
        for list in ["users", "audit-log"] {
            let answer = boss.client.get(&format!("/v1/admin/{list}?limit={limit}")).await;
            answer.expect_problem(400, "invalid_limit");
        }
    }
    let page = boss.client.get("/v1/admin/users?limit=1").await.expect(200).json();
    let cursor = page["next_cursor"].as_str().unwrap();
    for query in ["role=user&", "q=p&", "status=active&"] {
        let path = format!("/v1/admin/users?{query}cursor={cursor}");
        boss.client.get(&path).await.expect_problem(400, "invalid_cursor");
    }
    for list in ["users", "audit-log"] {
        let answer = boss.client.get(&format!("/v1/admin/{list}?cursor=AAAA")).await;
        answer.expect_problem(400, "invalid_cursor");
    }
    for query in ["actor_id=x", "subject_id=0", "actor_id="] {
        boss.client.get(&format!("/v1/admin/audit-log?{query}")).await.expect_problem(400, "invalid_id");
    }
    boss.client.get("/v1/admin/audit-log?action=dance").await.expect_problem(400, "invalid_query");
}
