//! Which shards the statements of the hot path are for, where the tables are spread as `deploy/citus/relations.sql` says.

use actix_web::http::Method;
use serde_json::json;
use shared::db::catalog::tables;
use shared::facts::AccountStatus;
use shared::on_postgres;
use shared::testing::{Layout, TestDatabase, assert_bound, record, recorded};

use crate::test_app::{TestApp, until};

on_postgres!(every_hot_statement_says_which_shards_it_is_for);

/// What actors ask of all shards by themselves: a piece of the statement, and what it is.
const BACKGROUND: &[(&str, &str)] = &[(
    "FROM imports WHERE state IN (1, 2, 3",
    "the importer looks for open files, and the janitor for old ones",
)];

#[expect(clippy::too_many_lines, reason = "one operation after the other")]
async fn every_hot_statement_says_which_shards_it_is_for(make: fn() -> TestDatabase) {
    let recording = || {
        let database = make();
        record(&database.url);
        database
    };
    let app = TestApp::beside_others(recording).await;
    let url = app.database_url().clone();
    let mut seen: Vec<(&str, String)> = Vec::new();
    let mut note = |what: &'static str| seen.extend(recorded(&url).into_iter().map(|text| (what, text)));
    // Only what the service does for requests from here on: the start and its migrations are past.
    recorded(&url);
    let [anna, ben, carl, dora] = app.people(["anna", "ben", "carl", "dora"]).await;
    app.set_private(&dora, true).await;
    note("news of user-service");

    let body = json!({"user_ids": [ben.id, carl.id, dora.id]});
    anna.http.json(Method::POST, "/v1/me/following/batch", &body).await.expect(200);
    note("a batch of follows");
    ben.http.put(&format!("/v1/me/following/{}", anna.id)).await.expect(200);
    carl.http.put(&format!("/v1/me/following/{}", anna.id)).await.expect(200);
    carl.http.put(&format!("/v1/me/following/{}", ben.id)).await.expect(200);
    note("a follow");
    dora.http.post(&format!("/v1/me/follow-requests/{}/accept", anna.id)).await.expect(200);
    note("an accepted request");
    for mark in ["mutes", "close-friends"] {
        anna.http.put(&format!("/v1/me/{mark}/{}", ben.id)).await.expect(200);
    }
    anna.http.json(Method::PUT, &format!("/v1/me/notes/{}", ben.id), &json!({"note": "a"})).await.expect(200);
    note("marks and notes");
    carl.http.put(&format!("/v1/me/blocks/{}", dora.id)).await.expect(200);
    carl.http.delete(&format!("/v1/me/blocks/{}", dora.id)).await.expect(200);
    note("a block");
    anna.http.delete(&format!("/v1/me/following/{}", carl.id)).await.expect(200);
    note("an unfollow");

    let ids = [&anna, &ben, &carl, &dora].map(|person| person.id.to_string()).join(",");
    anna.http.get(&format!("/v1/me/relationships?ids={ids}")).await.expect(200);
    note("relationships");
    anna.http.get(&format!("/v1/users/{}/counts", ben.id)).await.expect(200);
    anna.http.get(&format!("/v1/counts?ids={ids}")).await.expect(200);
    note("counts");
    for list in ["followers", "following", "friends"] {
        for viewer in [&app.nobody, &carl.http, &anna.http] {
            let page = viewer.get(&format!("/v1/users/{}/{list}?limit=1&expand=user", anna.id)).await;
            let cursor = page.expect(200).json()["next_cursor"].as_str().map(str::to_owned);
            if let Some(cursor) = cursor {
                let next = format!("/v1/users/{}/{list}?limit=1&cursor={cursor}", anna.id);
                viewer.get(&next).await.expect(200);
            }
            viewer.get(&format!("/v1/users/{}/{list}?order=oldest", anna.id)).await.expect(200);
        }
    }
    note("lists");
    for list in ["follow-requests", "follow-requests/sent", "blocks", "mutes", "close-friends"] {
        anna.http.get(&format!("/v1/me/{list}")).await.expect(200);
    }
    note("one's own lists");
    carl.http.get(&format!("/v1/users/{}/followers/known", anna.id)).await.expect(200);
    carl.http.get(&format!("/v1/users/{}/following/shared", anna.id)).await.expect(200);
    note("known and shared");
    anna.http.get(&format!("/v1/me/explain?action=follow&user_id={}", carl.id)).await.expect(200);
    note("explain");
    anna.http.get("/v1/me/suggestions").await.expect(200);
    note("suggestions");
    let service = app.service("checks", &["visibility", "relationships", "events"]);
    let actions = ["view_profile", "view_content", "follow", "message", "see_relations"];
    let checks = actions.map(|action| json!({"viewer_id": anna.id, "owner_id": dora.id, "action": action}));
    service.json(Method::POST, "/v1/visibility", &json!({"checks": checks})).await.expect(200);
    service.get(&format!("/v1/relationships?viewer_id={}&ids={ids}", anna.id)).await.expect(200);
    service.get("/v1/events?after=0").await.expect(200);
    note("questions of services");
    app.set_private(&dora, false).await;
    app.set_status(&ben, AccountStatus::Deactivated).await;
    app.set_status(&ben, AccountStatus::Active).await;
    let followers = async || {
        let counts = app.nobody.get(&format!("/v1/users/{}/counts", ben.id)).await.expect(200).json();
        counts["followers"] == 2
    };
    until("everybody is counted again", followers).await;
    note("sweeps");

    let definitions = include_str!("../../../deploy/citus/relations.sql");
    let layout = Layout::read(definitions, &tables(&mut app.writer()).unwrap());
    assert!(seen.len() > 60, "only {} statements were heard", seen.len());
    assert_bound(&layout, &seen, &[], BACKGROUND);
}
