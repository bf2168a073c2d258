//! Taking along everything that is held about oneself.

use std::collections::BTreeSet;
use std::time::Duration;

use actix_web::http::Method;
use serde_json::json;
use shared::on_both_databases;
use shared::testing::columns;
use user_service::domain::account::Role;
use user_service::store::purge::PERSONAL;

use crate::deletion::marked;
use crate::test_app::{Make, TestApp, held_clock};
use crate::two_factor::enable;

on_both_databases!(
    an_export_has_everything_and_no_secret,
    every_column_is_shown_or_left_out_for_a_reason,
    a_long_export_is_whole,
    an_export_is_for_its_person,
);

/// What an export tells of a column.
enum Shown {
    /// The value there.
    At(&'static str),
    /// Nothing, because of this.
    Not(&'static str),
}
use Shown::{At, Not};

/// Every column of the tables with something of people.
#[rustfmt::skip]
const COLUMNS: &[(&str, &str, Shown)] = &[
    ("users", "created_at", At("/account/created_at")),
    ("users", "updated_at", At("/account/updated_at")),
    ("users", "version", At("/account/version")),
    ("users", "last_sign_in_at", At("/account/last_sign_in_at")),
    ("users", "id", At("/account/id")),
    ("users", "username", At("/account/username")),
    ("users", "display_name", At("/account/display_name")),
    ("users", "bio", At("/account/bio")),
    ("users", "avatar_url", At("/account/avatar_url")),
    ("users", "links", At("/account/links")),
    ("users", "region", At("/account/region")),
    ("users", "language", At("/account/language")),
    ("users", "email", At("/account/email")),
    ("users", "email_verified", At("/account/email_verified")),
    ("users", "role", At("/account/role")),
    ("users", "status", At("/account/status")),
    ("users", "verified", At("/account/verified")),
    ("users", "private_account", At("/account/privacy/private_account")),
    ("users", "show_relations", At("/account/privacy/show_relations")),
    ("users", "show_counts", At("/account/privacy/show_counts")),
    ("users", "suggest_to_others", At("/account/privacy/suggest_to_others")),
    ("users", "messages_from", At("/account/privacy/messages_from")),
    ("users", "comments_from", At("/account/privacy/comments_from")),
    ("users", "mentions_from", At("/account/privacy/mentions_from")),
    ("users", "password_hash", Not("a secret")),
    ("user_emails", "user_id", At("/account/id")),
    ("user_emails", "email_key", Not("the address in lower case")),
    ("user_names", "name", At("/former_usernames/0/username")),
    ("user_names", "quarantined_until", At("/former_usernames/0/kept_until")),
    ("user_names", "user_id", At("/account/id")),
    ("user_names", "skeleton", Not("what the name looks like, computed from it")),
    ("name_skeletons", "skeleton", Not("what the name looks like, computed from it")),
    ("name_skeletons", "user_id", At("/account/id")),
    ("sessions", "user_id", At("/account/id")),
    ("sessions", "id", At("/sessions/0/id")),
    ("sessions", "device_name", At("/sessions/0/device_name")),
    ("sessions", "nonce", Not("a secret")),
    ("sessions", "generation", At("/sessions/0/refreshes")),
    ("sessions", "rotated_at", At("/sessions/0/last_used_at")),
    ("sessions", "created_at", At("/sessions/0/created_at")),
    ("sessions", "last_used_at", At("/sessions/0/last_used_at")),
    ("sessions", "expires_at", At("/sessions/0/expires_at")),
    ("sessions", "absolute_expires_at", Not("the beginning and a setting")),
    ("sessions", "revoked_at", At("/sessions/0/ended_at")),
    ("sessions", "proved_at", At("/sessions/0/proved_at")),
    ("idempotency_keys", "slot", Not("a hash by a secret key, of which nothing can be told")),
    ("idempotency_keys", "body_digest", Not("a hash by a secret key, of which nothing can be told")),
    ("idempotency_keys", "user_id", At("/account/id")),
    ("idempotency_keys", "made", Not("the id of a session, or the time of a second factor")),
    ("idempotency_keys", "expires_at", Not("a day after a session began")),
    ("idempotency_keys", "nonce", Not("a secret")),
    ("idempotency_keys", "made_at", Not("when a session began")),
    ("known_networks", "user_id", At("/account/id")),
    ("known_networks", "network", Not("a hash by a secret key, of which nothing can be told")),
    ("known_networks", "seen_at", At("/known_networks/0/seen_at")),
    ("two_factors", "user_id", At("/account/id")),
    ("two_factors", "sealed_secret", Not("a secret, which the person's own device has")),
    ("two_factors", "begun_at", At("/two_factor/begun_at")),
    ("two_factors", "enabled_at", At("/two_factor/since")),
    ("two_factors", "last_step", Not("keeps a code from being used again")),
    ("two_factors", "wrong_codes", At("/two_factor/wrong_codes")),
    ("two_factors", "retry_at", Not("computed from the wrong codes, and over in an hour")),
    ("recovery_codes", "user_id", At("/account/id")),
    ("recovery_codes", "digest", At("/two_factor/recovery_codes_left")),
    ("mails", "user_id", At("/account/id")),
    ("mails", "id", Not("a number that tells mails apart")),
    ("mails", "kind", At("/mails/0/kind")),
    ("mails", "recipient", At("/mails/0/recipient")),
    ("mails", "token_id", Not("a number that tells tokens apart")),
    ("mails", "tries", At("/mails/0/tries")),
    ("mails", "due_at", At("/mails/0/due_at")),
    ("mails", "expires_at", At("/mails/0/expires_at")),
    ("mails", "failed_at", At("/mails/0/failed_at")),
    ("mail_tokens", "user_id", At("/account/id")),
    ("mail_tokens", "purpose", At("/mail_tokens/0/purpose")),
    ("mail_tokens", "id", Not("a number that tells tokens apart")),
    ("mail_tokens", "nonce", Not("a secret")),
    ("mail_tokens", "address", At("/mail_tokens/0/address")),
    ("mail_tokens", "expires_at", At("/mail_tokens/0/expires_at")),
    ("mail_tokens", "session_id", At("/mail_tokens/0/session_id")),
    ("password_reset_requests", "email_key", Not("an address that anybody typed, until it was looked up")),
    ("password_reset_requests", "asked_at", Not("the same")),
    ("events", "partition", Not("where the row is")),
    ("events", "seq", At("/events/0/seq")),
    ("events", "type", At("/events/0/type")),
    ("events", "at", At("/events/0/at")),
    ("events", "actor_id", Not("who moderates is not told; it is the person otherwise")),
    ("events", "subject_id", At("/account/id")),
    ("events", "cause", Not("no event of this service has one")),
    ("events", "data", At("/events/0/data")),
    ("suspensions", "user_id", At("/account/id")),
    ("suspensions", "reason", Not("nobody is signed in while it holds; what it was is among the moderation")),
    ("suspensions", "since", Not("nobody is signed in while it holds; what it was is among the moderation")),
    ("suspensions", "until", Not("nobody is signed in while it holds; what it was is among the moderation")),
    ("suspensions", "moderator_id", Not("nobody is signed in while it holds; what it was is among the moderation")),
    ("suspensions", "status_before", Not("nobody is signed in while it holds; what it was is among the moderation")),
    ("audit_log", "id", Not("a number that tells entries apart")),
    ("audit_log", "at", At("/moderation/0/at")),
    ("audit_log", "actor_id", Not("who moderates is not told")),
    ("audit_log", "operator", Not("who moderates is not told")),
    ("audit_log", "action", At("/moderation/0/action")),
    ("audit_log", "subject_id", At("/account/id")),
    ("audit_log", "reason", At("/moderation/0/reason")),
    ("audit_log", "before", At("/moderation/0/before")),
    ("audit_log", "after", At("/moderation/0/after")),
];

/// A new column fails this until the list above says what an export tells of it.
async fn every_column_is_shown_or_left_out_for_a_reason(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let now = app.settings.clock.now().to_string();
    let boss = app.with_role("boss", Role::Admin).await;
    let (person, _) = marked(&app, &boss, 7).await;
    enable(&app, &person).await;
    let body = json!({"email": "new@example.com"});
    person.client.json(Method::PUT, "/v1/me/email", &body).await.expect(202);
    let mut conn = app.conn();
    let there: BTreeSet<(&str, String)> = PERSONAL
        .iter()
        .flat_map(|personal| {
            columns(&mut conn, personal.table).into_iter().map(|name| (personal.table, name))
        })
        .collect();
    let listed: BTreeSet<(&str, String)> =
        COLUMNS.iter().map(|(table, column, _)| (*table, (*column).to_owned())).collect();
    assert_eq!(there, listed);
    let export = person.client.get("/v1/me/export").await.expect(200).json();
    for (table, column, shown) in COLUMNS {
        match shown {
            At(place) => assert!(export.pointer(place).is_some(), "{table}.{column}: no {place} in {export}"),
            Not(reason) => assert!(!reason.is_empty(), "{table}.{column}"),
        }
    }
    let factor = &export["two_factor"];
    assert_eq!((&factor["recovery_codes_left"], factor["since"].is_string()), (&json!(10), true));
    assert_eq!(export["mail_tokens"][1]["session_id"], *person.session_id());
    for moment in [&export["account"]["last_sign_in_at"], &export["known_networks"][0]["seen_at"]] {
        assert_eq!(moment.as_str().unwrap()[..16], now[..16], "{export}");
    }
}

async fn an_export_has_everything_and_no_secret(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let boss = app.with_role("boss", Role::Admin).await;
    let (other, others_marks) = marked(&app, &boss, 8).await;
    let (person, marks) = marked(&app, &boss, 7).await;
    let answer = person.client.get("/v1/me/export").await.expect(200);
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        ("application/json", "no-store")
    );
    let export = answer.json();
    let text = export.to_string();
    let (secrets, fields): (Vec<&String>, Vec<&String>) =
        marks.iter().partition(|mark| !mark.ends_with("zqx7"));
    assert!(fields.iter().all(|mark| text.contains(mark.as_str())), "{fields:?} {text}");
    assert!(secrets.len() >= 2 && !secrets.iter().any(|secret| text.contains(secret.as_str())));
    assert!(!others_marks.iter().any(|mark| text.contains(mark.as_str())), "of {} too", other.id);
    assert!(!text.contains(&boss.id), "who moderates is not told");
    let mine = person.client.get("/v1/me").await.expect(200).json();
    for (field, value) in mine.as_object().unwrap() {
        assert_eq!(export["account"][field], *value, "{field}");
    }
    assert_eq!(export["moderation"].as_array().unwrap().len(), 2);
    assert_eq!(export["events"][0]["type"], "user.registered");
}

async fn a_long_export_is_whole(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    for number in 0..1_001 {
        let bio = json!({"bio": format!("change {number}")});
        ann.client.json(Method::PATCH, "/v1/me", &bio).await.expect(200);
    }
    let export = ann.client.get("/v1/me/export").await.expect(200).json();
    let events = export["events"].as_array().unwrap();
    let numbers: Vec<i64> = events.iter().map(|event| event["seq"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=1_002).collect::<Vec<_>>());
}

async fn an_export_is_for_its_person(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    app.client.get("/v1/me/export").await.expect_problem(401, "unauthenticated");
    app.relation_service().get("/v1/me/export").await.expect_problem(403, "not_for_services");
    let ann = app.register("ann").await;
    ann.client.get("/v1/me/export").await.expect(200);
    app.settings.clock.advance(Duration::from_secs(601));
    ann.client.get("/v1/me/export").await.expect_problem(401, "unauthenticated");
}
