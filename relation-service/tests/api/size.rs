//! What suggestions cost somebody who follows 10,000, and beside somebody whom a million follow: a measurement.

use std::time::{Duration, Instant};

use relation_service::domain::{BRIDGE_EDGES_MAX, BRIDGES_MAX, EDGES_MAX};
use relation_service::store::{count, suggestion};
use shared::db::{Conn, execute};
use shared::id::UserId;
use shared::testing::TestDatabase;

use crate::person::Person;
use crate::suggestions::SUGGESTIONS;
use crate::test_app::TestApp;

/// Everybody follows the celebrity; their ids are 1 to this.
const EVERYBODY: i64 = 1_000_000;
/// So many of them follow others.
const BUSY: i64 = 10_000;
/// So many others each.
const FOLLOWS: i64 = 200;
const REQUESTS: usize = 300;

/// Fills the tables that are read, without the rest that an act would write.
fn fill(conn: &mut Conn, celebrity: UserId, many: UserId) {
    let numbers = |to: i64| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {to})"
        )
    };
    let edges = "INSERT INTO edges_out (source, target, state, notify, since, back_since)";
    let (all, busy, per_person) = (numbers(EVERYBODY), numbers(BUSY), numbers(BUSY * FOLLOWS));
    for text in [
        format!(
            "INSERT INTO user_facts (user_id, seq, username, display_name, verified, status, private_account,
                show_relations, show_counts, suggest_to_others, messages_from, comments_from, mentions_from)
             {all} SELECT i, 0, 'n' || i, '', 0, 0, 0, 0, 1, 1, 0, 0, 0 FROM n"
        ),
        format!("{edges} {all} SELECT i, {celebrity}, 1, 0, i, 0 FROM n"),
        format!("INSERT INTO edges_in (target, state, neg_since, source) {all} SELECT {celebrity}, 1, -i, i FROM n"),
        format!("{edges} {busy} SELECT {many}, i, 1, 0, i, 0 FROM n"),
        format!(
            "{edges} {per_person} SELECT DISTINCT (i - 1) / {FOLLOWS} + 1, (i * 7919) % {EVERYBODY} + 1, 1, 0, i, 0
             FROM n"
        ),
        // The newest followers of the celebrity follow others too, and so does the celebrity.
        format!(
            "{edges} {per_person} SELECT DISTINCT {EVERYBODY} - (i - 1) / {FOLLOWS}, (i * 104729) % {EVERYBODY} + 1,
                1, 0, i, 0 FROM n WHERE i <= 300 * {FOLLOWS} ON CONFLICT DO NOTHING"
        ),
        format!("{edges} {busy} SELECT {celebrity}, i * 7, 1, 0, i, 0 FROM n WHERE i <= 500"),
        format!(
            "INSERT INTO counters (user_id, followers, following, friends, requests_received, requests_sent, blocks)
             SELECT source, 1, COUNT(*), 0, 0, 0, 0 FROM edges_out WHERE source <> {celebrity} GROUP BY source
             ON CONFLICT (user_id) DO UPDATE SET following = excluded.following"
        ),
        format!(
            "INSERT INTO counters (user_id, followers, following, friends, requests_received, requests_sent, blocks)
             VALUES ({celebrity}, {EVERYBODY}, 500, 0, 0, 0, 0)
             ON CONFLICT (user_id) DO UPDATE SET followers = excluded.followers, following = excluded.following"
        ),
    ] {
        execute(conn, &text, &[]).unwrap();
    }
    if matches!(conn, Conn::Postgres(_)) {
        execute(conn, "ANALYZE", &[]).unwrap();
    }
}

/// Edges that a ranking for `viewer` reads: their own, and those of the people whom they follow.
fn edges_read(conn: &mut Conn, viewer: UserId) -> (usize, i64) {
    let held = suggestion::held(conn, viewer, BRIDGES_MAX).unwrap();
    let counts = count::counts(conn, &held.newest_follows).unwrap();
    let sizes = held.newest_follows.iter().map(|id| counts.get(id).map_or(0, |counts| counts.following));
    (held.targets.len(), sizes.map(|size| size.min(BRIDGE_EDGES_MAX)).sum::<i64>().min(EDGES_MAX))
}

#[expect(clippy::print_stdout, reason = "a report")]
async fn report(what: &str, viewer: &Person, path: &str, people: usize) {
    let mut took = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let began = Instant::now();
        let answer = viewer.http.get(path).await.expect(200);
        took.push(began.elapsed());
        assert_eq!(answer.json()["items"].as_array().unwrap().len(), people, "{what}");
    }
    took.sort_unstable();
    let at = |percent: usize| {
        (took[(REQUESTS * percent / 100).min(REQUESTS - 1)].as_secs_f64() * 1e4).round() / 10.0
    };
    println!("{what:52} p50 {} ms, p99 {} ms", at(50), at(99));
}

#[expect(clippy::print_stdout, reason = "a report")]
async fn suggestions_at_size(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [celebrity, many, fan] = app.people(["celebrity", "many", "fan"]).await;
    let mut conn = app.writer();
    let began = Instant::now();
    fill(&mut conn, celebrity.id, many.id);
    println!("filled in {:?}", Duration::from_secs(began.elapsed().as_secs()));
    fan.follow(&celebrity).await;
    for (what, viewer) in [("who follows 10,000", &many), ("who follows a celebrity", &fan)] {
        let (own, others) = edges_read(&mut conn, viewer.id);
        println!("{what}: edges read: {own} own, {others} of others");
        report(&format!("{what}: first page"), viewer, &format!("{SUGGESTIONS}?limit=20"), 20).await;
        let first = viewer.http.get(&format!("{SUGGESTIONS}?limit=20")).await.expect(200).json();
        let next = format!("{SUGGESTIONS}?limit=20&cursor={}", first["next_cursor"].as_str().unwrap());
        report(&format!("{what}: next page"), viewer, &next, 20).await;
    }
    let path = celebrity.list("similar");
    report("people like the celebrity, for who follows them", &fan, &path, 20).await;
    report("one plain list, to compare with", &fan, &celebrity.list("followers"), 20).await;
}

mod measured {
    use super::*;

    #[actix_web::test]
    #[ignore = "a measurement: for a release build, a minute long"]
    async fn suggestions_at_size_on_sqlite() {
        suggestions_at_size(TestDatabase::sqlite).await;
    }

    #[actix_web::test]
    #[ignore = "a measurement: for a release build, minutes long"]
    async fn suggestions_at_size_on_postgres() {
        if TestDatabase::postgres().is_some() {
            suggestions_at_size(|| TestDatabase::postgres().unwrap()).await;
        }
    }
}
