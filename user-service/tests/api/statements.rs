//! Which shards the statements of the hot path are for, where the tables are spread as `deploy/citus/users.sql` says.

use actix_web::http::Method;
use serde_json::json;
use shared::cache::CacheSettings;
use shared::db::catalog::tables;
use shared::on_postgres;
use shared::testing::{Layout, assert_bound, record, recorded};

use crate::test_app::{Make, PASSWORD, TestApp};

on_postgres!(every_hot_statement_says_which_shards_it_is_for);

/// Statements that ask more than the shards of given people: a piece of each, and why that is so.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("FROM search_terms WHERE kind", "a search: every shard finds its own people, up to a bound"),
    (
        "(\"user_names\".\"user_id\" = ANY($1)) AND (\"user_names\".\"quarantined_until\" IS NOT NULL)",
        "a change of one's name, once in 30 days: former names are few, and found by an index",
    ),
];

/// What actors ask of all shards by themselves: a piece of the statement, and what it is.
const BACKGROUND: &[(&str, &str)] = &[
    ("\"mails\".\"due_at\" <=", "the mailer looks for mails that are due"),
    ("COUNT(*) FROM mails", "the mailer counts what waits, for the metrics and the bound"),
    ("FROM \"password_reset_requests\"", "the mailer looks for requests, which are few"),
    ("\"deletions\".\"stage\" =", "the janitor looks for purges that are due"),
    ("MIN(purge_at) FROM deletions", "the janitor: when the next purge is due"),
    ("\"mail_tokens\".\"expires_at\" <=", "the janitor forgets tokens that are over"),
    ("MIN(expires_at) FROM", "the janitor: when the next row is over"),
    ("\"sessions\".\"revoked_at\" >=", "the tail, when it begins: which sessions ended lately"),
    ("MIN(revoked_at) FROM sessions", "the janitor: when the next row is over"),
    ("MIN(quarantined_until) FROM user_names", "the janitor: when the next name is free"),
    ("MIN(until) FROM suspensions", "the janitor: when the next suspension is over"),
];

async fn every_hot_statement_says_which_shards_it_is_for(make: Make) {
    let app = TestApp::start_with(make, |settings| {
        settings.cache = CacheSettings::new(0, false);
        record(&settings.database_url);
    });
    let url = app.settings.database_url.clone();
    let mut seen: Vec<(&str, String)> = Vec::new();
    let mut note = |what: &'static str| seen.extend(recorded(&url).into_iter().map(|text| (what, text)));
    // Only what the service does for requests from here on: the start and its migrations are past.
    recorded(&url);
    let ann = app.register("ann").await;
    let ben = app.register("ben").await;
    note("a registration");
    app.log_in("ann").await;
    app.log_in("mail.ann@example.com").await;
    app.try_log_in("nobody", PASSWORD).await.expect(401);
    note("a login");
    app.refresh(ann.refresh_token()).await.expect(200);
    note("a refresh");
    app.client.get("/v1/usernames/carl").await.expect(200);
    note("a name");
    for path in ["/v1/me", "/v1/me/privacy", "/v1/me/sessions"] {
        ann.client.get(path).await.expect(200);
    }
    note("one's own record");
    for path in [
        format!("/v1/users/{}", ben.id),
        "/v1/users/by-username/ben".to_owned(),
        format!("/v1/users?ids={},{}", ann.id, ben.id),
    ] {
        ann.client.get(&path).await.expect(200);
    }
    note("people");
    let name = json!({"display_name": "Ann Example", "bio": "here"});
    ann.client.json(Method::PATCH, "/v1/me", &name).await.expect(200);
    ann.client.json(Method::PATCH, "/v1/me/privacy", &json!({"show_counts": false})).await.expect(200);
    ann.client.json(Method::PUT, "/v1/me/username", &json!({"username": "annie"})).await.expect(200);
    note("changes of a record");
    let service = app.service(&["events", "facts"]);
    service.get("/v1/events?after=0").await.expect(200);
    service.get(&format!("/v1/user-facts?ids={},{}", ann.id, ben.id)).await.expect(200);
    service.get("/v1/user-facts/by-username?usernames=ben,ann").await.expect(200);
    note("questions of services");
    app.client.get("/v1/users/search?q=ann%20exam").await.expect(200);
    app.client.get("/v1/users/search?q=exampel").await.expect(200);
    note("a search");
    ann.client.delete("/v1/me/sessions/current").await.expect(204);
    note("a sign-out");

    let definitions = include_str!("../../../deploy/citus/users.sql");
    let layout = Layout::read(definitions, &tables(&mut app.conn()).unwrap());
    assert!(seen.len() > 60, "only {} statements were heard", seen.len());
    assert_bound(&layout, &seen, EXCEPTIONS, BACKGROUND);
}
