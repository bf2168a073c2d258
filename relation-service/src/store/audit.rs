//! Recounting: each rule that can be checked from the tables, as one statement that finds what breaks it.

use shared::db::audit::{Check, Finding, LOG_CHECK, at_one_moment, check_all, count};
use shared::db::{Conn, StoreError};

const EACH_EDGE_TWICE: &str = "each edge is stored by source and by target";
/// Exact at every moment, also while a sweep is under way: the shadows say which edges count.
const COUNTERS: &str = "counters equal recounted edges";
/// Together with the rule before it: once no sweep is open, exactly the edges of hidden people do not count.
const HIDDEN: &str = "who is hidden is left out of counters, and nobody else";

/// Followers and requests received, recounted without the edges of hidden people.
macro_rules! counted_in {
    () => {
        "SELECT target, SUM(CASE state WHEN 1 THEN 1 ELSE 0 END), SUM(CASE state WHEN 2 THEN 1 ELSE 0 END)
         FROM edges_in WHERE state IN (1, 2) AND NOT EXISTS (
            SELECT user_id FROM shadows WHERE user_id = source AND target <= out_target)
         GROUP BY target"
    };
}

/// What each person holds, recounted without the edges to hidden people. Friends need both edges to count.
macro_rules! counted_out {
    () => {
        "SELECT source, following, friends, sent, blocks FROM (
            SELECT source,
                SUM(CASE WHEN state = 1 AND counts = 1 THEN 1 ELSE 0 END) AS following,
                SUM(CASE WHEN state = 1 AND counts = 1 AND back_since <> 0 AND back_counts = 1 THEN 1 ELSE 0 END)
                    AS friends,
                SUM(CASE WHEN state = 2 AND counts = 1 THEN 1 ELSE 0 END) AS sent,
                SUM(CASE state WHEN 3 THEN 1 ELSE 0 END) AS blocks
            FROM (
                SELECT source, state, back_since,
                    CASE WHEN (state, -since, source) <= (in_state, in_neg_since, in_source) THEN 0 ELSE 1 END
                        AS counts,
                    CASE WHEN source <= out_target THEN 0 ELSE 1 END AS back_counts
                FROM edges_out LEFT JOIN shadows ON user_id = target
            ) AS edges GROUP BY source
         ) AS recounted WHERE following + sent + blocks <> 0"
    };
}

/// Each statement selects the rows that break its rule.
const CHECKS: [Check; 17] = [
    (
        EACH_EDGE_TWICE,
        "SELECT source, target, state, since FROM edges_out
         EXCEPT SELECT source, target, state, -neg_since FROM edges_in",
    ),
    (
        EACH_EDGE_TWICE,
        "SELECT source, target, state, -neg_since FROM edges_in
         EXCEPT SELECT source, target, state, since FROM edges_out",
    ),
    (
        "each edge knows the follow in the other direction",
        "SELECT source, target, back_since FROM edges_out WHERE back_since <> 0
         EXCEPT SELECT target, source, since FROM edges_out WHERE state = 1",
    ),
    (
        "each edge knows the follow in the other direction",
        "SELECT target, source, since FROM edges_out
         WHERE state = 1 AND (target, source) IN (SELECT source, target FROM edges_out)
         EXCEPT SELECT source, target, back_since FROM edges_out",
    ),
    (
        "a block excludes follows and requests in both directions",
        "SELECT source, target FROM edges_out
         WHERE state = 3 AND (target, source) IN (SELECT source, target FROM edges_out WHERE state IN (1, 2))",
    ),
    ("nobody has an edge to themselves", "SELECT source, target FROM edges_out WHERE source = target"),
    (
        "both ends of each edge are known people",
        "SELECT source FROM edges_out EXCEPT SELECT user_id FROM user_facts",
    ),
    (
        "both ends of each edge are known people",
        "SELECT target FROM edges_in EXCEPT SELECT user_id FROM user_facts",
    ),
    (
        COUNTERS,
        concat!(
            "SELECT user_id, followers, requests_received FROM counters
             WHERE followers <> 0 OR requests_received <> 0 EXCEPT ",
            counted_in!()
        ),
    ),
    (
        COUNTERS,
        concat!(counted_in!(), " EXCEPT SELECT user_id, followers, requests_received FROM counters"),
    ),
    (
        COUNTERS,
        concat!(
            "SELECT user_id, following, friends, requests_sent, blocks FROM counters
             WHERE following <> 0 OR friends <> 0 OR requests_sent <> 0 OR blocks <> 0 EXCEPT ",
            counted_out!()
        ),
    ),
    (
        COUNTERS,
        concat!(counted_out!(), " EXCEPT SELECT user_id, following, friends, requests_sent, blocks FROM counters"),
    ),
    (
        HIDDEN,
        "SELECT user_id FROM user_facts WHERE status <> 0
            AND user_id NOT IN (SELECT user_id FROM sweeps WHERE kind = 3)
         EXCEPT SELECT user_id FROM shadows WHERE in_state = 3 AND out_target = 9223372036854775807",
    ),
    (
        HIDDEN,
        "SELECT user_id FROM shadows WHERE user_id NOT IN (SELECT user_id FROM sweeps WHERE kind = 3)
         EXCEPT SELECT user_id FROM user_facts WHERE status <> 0",
    ),
    (
        "a close friend is a follower",
        "SELECT target, user_id FROM close_friends EXCEPT SELECT source, target FROM edges_out WHERE state = 1",
    ),
    ("every event of user-service could be read", "SELECT seq FROM parked_events"),
    LOG_CHECK,
];

/// As long as the log is whole, its follows, requests and blocks must be exactly those in the tables.
const WHOLE_LOG: &str = "SELECT seq FROM events WHERE seq = 1";
const REPLAYED: [(&str, i16, [&str; 2]); 3] = [
    ("follows in the tables are those of the log", 1, ["follow.created", "follow.removed"]),
    ("requests in the tables are those of the log", 2, ["request.created", "request.%"]),
    ("blocks in the tables are those of the log", 3, ["block.created", "block.removed"]),
];

/// Checks every rule, all at one moment.
pub fn audit(conn: &mut Conn) -> Result<Vec<Finding>, StoreError> {
    at_one_moment(conn, |conn| {
        let mut findings = check_all(conn, &CHECKS)?;
        if count(conn, WHOLE_LOG)? == 1 {
            for (rule, state, kinds) in REPLAYED {
                findings.push(Finding { rule, drift: replayed(conn, state, kinds)? });
            }
        }
        Ok(findings)
    })
}

/// Pairs whose newest event of this kind and whose row disagree about being there.
fn replayed(conn: &mut Conn, state: i16, [created, kinds]: [&str; 2]) -> Result<i64, StoreError> {
    let alive = format!(
        "SELECT e.actor_id, e.subject_id FROM events e JOIN (
            SELECT actor_id, subject_id, MAX(seq) AS newest FROM events
            WHERE type = '{created}' OR type LIKE '{kinds}' GROUP BY actor_id, subject_id
         ) last ON e.seq = last.newest AND e.type = '{created}'"
    );
    let stored = format!("SELECT source, target FROM edges_out WHERE state = {state}");
    Ok(count(conn, &format!("{alive} EXCEPT {stored}"))? + count(conn, &format!("{stored} EXCEPT {alive}"))?)
}
