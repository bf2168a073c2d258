//! The audit finds what is wrong, rule by rule, and finds nothing where nothing is.

use std::collections::BTreeSet;

use relation_service::store::audit::audit;
use shared::db::audit::Finding;
use shared::db::{Conn, execute};
use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::Act;
use crate::test_app::TestApp;

const EDGE_TWICE: &str = "each edge is stored by source and by target";
const BACK: &str = "each edge knows the follow in the other direction";
const BLOCK: &str = "a block excludes follows and requests in both directions";
const SELF: &str = "nobody has an edge to themselves";
const KNOWN: &str = "both ends of each edge are known people";
const COUNTERS: &str = "counters equal recounted edges";
const HIDDEN: &str = "who is hidden is left out of counters, and nobody else";
const CLOSE: &str = "a close friend is a follower";
const LOG: &str = "the log is contiguous up to its head";
const PARKED: &str = "every event of user-service could be read";
const FOLLOWS: &str = "follows in the tables are those of the log";
const REQUESTS: &str = "requests in the tables are those of the log";
const BLOCKS: &str = "blocks in the tables are those of the log";

/// What is broken, what that must show, and what mends it. `{anna}` and the like stand for ids.
const BREAKAGES: [(&str, &[&str], &str); 22] = [
    (
        "DELETE FROM edges_in WHERE source = {anna} AND target = {ben}",
        &[EDGE_TWICE],
        "INSERT INTO edges_in (target, state, neg_since, source)
         SELECT target, state, -since, source FROM edges_out WHERE source = {anna} AND target = {ben}",
    ),
    (
        "INSERT INTO edges_in (target, state, neg_since, source) VALUES ({anna}, 1, -5, {carl})",
        &[EDGE_TWICE, COUNTERS],
        "DELETE FROM edges_in WHERE source = {carl} AND target = {anna}",
    ),
    (
        "UPDATE edges_in SET neg_since = neg_since - 1 WHERE source = {anna} AND target = {ben}",
        &[EDGE_TWICE],
        "UPDATE edges_in SET neg_since = neg_since + 1 WHERE source = {anna} AND target = {ben}",
    ),
    (
        "UPDATE edges_out SET back_since = back_since + 1 WHERE source = {anna} AND target = {ben}",
        &[BACK],
        "UPDATE edges_out SET back_since = back_since - 1 WHERE source = {anna} AND target = {ben}",
    ),
    (
        "UPDATE edges_out SET back_since = 7 WHERE source = {anna} AND target = {blocked}",
        &[BACK],
        "UPDATE edges_out SET back_since = 0 WHERE source = {anna} AND target = {blocked}",
    ),
    (
        "INSERT INTO edges_out (source, target, state, notify, since, back_since) VALUES ({blocked}, {anna}, 1, 0, 5, 0)",
        &[BLOCK],
        "DELETE FROM edges_out WHERE source = {blocked} AND target = {anna}",
    ),
    (
        "INSERT INTO edges_out (source, target, state, notify, since, back_since) VALUES ({blocked}, {anna}, 2, 0, 5, 0)",
        &[BLOCK],
        "DELETE FROM edges_out WHERE source = {blocked} AND target = {anna}",
    ),
    (
        "INSERT INTO edges_out (source, target, state, notify, since, back_since) VALUES ({carl}, {carl}, 3, 0, 5, 0)",
        &[SELF],
        "DELETE FROM edges_out WHERE source = {carl} AND target = {carl}",
    ),
    (
        "UPDATE user_facts SET user_id = 7 WHERE user_id = {anna}",
        &[KNOWN],
        "UPDATE user_facts SET user_id = {anna} WHERE user_id = 7",
    ),
    (
        "UPDATE user_facts SET user_id = 7 WHERE user_id = {blocked}",
        &[KNOWN],
        "UPDATE user_facts SET user_id = {blocked} WHERE user_id = 7",
    ),
    (
        "UPDATE counters SET followers = followers + 1 WHERE user_id = {anna}",
        &[COUNTERS],
        "UPDATE counters SET followers = followers - 1 WHERE user_id = {anna}",
    ),
    (
        "UPDATE counters SET friends = friends + 1 WHERE user_id = {ben}",
        &[COUNTERS],
        "UPDATE counters SET friends = friends - 1 WHERE user_id = {ben}",
    ),
    (
        "UPDATE counters SET user_id = 7 WHERE user_id = {carl}",
        &[COUNTERS],
        "UPDATE counters SET user_id = {carl} WHERE user_id = 7",
    ),
    (
        "UPDATE user_facts SET status = 1 WHERE user_id = {ben}",
        &[HIDDEN],
        "UPDATE user_facts SET status = 0 WHERE user_id = {ben}",
    ),
    (
        "INSERT INTO shadows (user_id, in_state, in_neg_since, in_source, out_target) VALUES ({carl}, 0, 0, 0, 5)",
        &[HIDDEN],
        "DELETE FROM shadows WHERE user_id = {carl}",
    ),
    (
        "INSERT INTO shadows (user_id, in_state, in_neg_since, in_source, out_target)
         VALUES ({ben}, 3, 0, 0, 9223372036854775807)",
        &[HIDDEN, COUNTERS],
        "DELETE FROM shadows WHERE user_id = {ben}",
    ),
    (
        "INSERT INTO close_friends (user_id, target, since) VALUES ({carl}, {anna}, 5)",
        &[CLOSE],
        "DELETE FROM close_friends WHERE user_id = {carl}",
    ),
    (
        "INSERT INTO parked_events (feed, seq, reason) VALUES ('user', 5, 'unreadable')",
        &[PARKED],
        "DELETE FROM parked_events WHERE seq = 5",
    ),
    ("UPDATE log_head SET seq = seq + 1", &[LOG], "UPDATE log_head SET seq = seq - 1"),
    (
        "UPDATE events SET type = 'follow.removed' WHERE actor_id = {anna} AND type = 'follow.created'",
        &[FOLLOWS],
        "UPDATE events SET type = 'follow.created' WHERE actor_id = {anna} AND type = 'follow.removed'",
    ),
    (
        "UPDATE events SET type = 'request.removed' WHERE type = 'request.created'",
        &[REQUESTS],
        "UPDATE events SET type = 'request.created' WHERE type = 'request.removed'",
    ),
    (
        "UPDATE events SET subject_id = {carl} WHERE type = 'block.created'",
        &[BLOCKS],
        "UPDATE events SET subject_id = {blocked} WHERE type = 'block.created'",
    ),
];

fn broken(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().filter(|finding| finding.drift > 0).map(|finding| finding.rule).collect()
}

async fn the_audit_finds_each_kind_of_drift(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let [anna, ben, carl, blocked, private] = app.people(["anna", "ben", "carl", "blocked", "private"]).await;
    app.set_private(&private, true).await;
    befriend(&anna, &ben).await;
    carl.follow(&ben).await;
    anna.block(&blocked).await;
    carl.follow(&private).await;
    private.act(Act::RemoveFollower, &carl).await;
    app.stop_service();
    let names = [("{anna}", anna.id), ("{ben}", ben.id), ("{carl}", carl.id), ("{blocked}", blocked.id)];
    let run = |conn: &mut Conn, text: &str| {
        let text = names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, &id.to_string()));
        execute(conn, &text, &[]).unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let mut conn = app.writer();
    let clean = audit(&mut conn).unwrap();
    assert_eq!(broken(&clean), BTreeSet::new());
    let mut found = BTreeSet::new();
    for (breakage, rules, repair) in BREAKAGES {
        assert!(run(&mut conn, breakage) > 0, "nothing to break: {breakage}");
        let shown = broken(&audit(&mut conn).unwrap());
        assert!(rules.iter().all(|rule| shown.contains(rule)), "{breakage}: {shown:?}");
        found.extend(rules.iter().copied());
        assert!(run(&mut conn, repair) > 0, "nothing to mend: {repair}");
        assert_eq!(broken(&audit(&mut conn).unwrap()), BTreeSet::new(), "not mended: {repair}");
    }
    let all: BTreeSet<&str> = clean.iter().map(|finding| finding.rule).collect();
    assert_eq!(found, all, "a rule that nothing here breaks is a rule that nobody has seen work");
}

async fn a_log_with_a_hole_is_found(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let people = app.crowd("person", 4).await;
    for other in &people[1..] {
        people[0].follow(other).await;
    }
    let mut conn = app.writer();
    assert_eq!(execute(&mut conn, "DELETE FROM events WHERE seq = 1", &[]).unwrap(), 1);
    assert_eq!(broken(&audit(&mut conn).unwrap()), BTreeSet::new(), "retention takes events from the start");
    assert_eq!(execute(&mut conn, "UPDATE events SET seq = 1 WHERE seq = 2", &[]).unwrap(), 1);
    assert!(broken(&audit(&mut conn).unwrap()).contains(LOG));
}

shared::on_both_databases!(the_audit_finds_each_kind_of_drift, a_log_with_a_hole_is_found);
