//! What counters should say.

/// Followers and requests received, recounted without the edges of hidden people; `$sign` turns the numbers.
macro_rules! counted_in {
    ($sign:literal) => {
        concat!(
            "SELECT target AS user_id, ",
            $sign,
            "SUM(CASE state WHEN 1 THEN 1 ELSE 0 END) AS followers, ",
            $sign,
            "SUM(CASE state WHEN 2 THEN 1 ELSE 0 END) AS requests_received
             FROM edges_in WHERE target > ? AND target <= ? AND state IN (1, 2) AND NOT EXISTS (
                SELECT 1 FROM shadows WHERE shadows.user_id = source AND target <= out_target)
             GROUP BY target"
        )
    };
}

/// What each person holds, recounted without the edges to hidden people. Friends need both edges to count.
macro_rules! counted_out {
    ($sign:literal) => {
        concat!(
            "SELECT source AS user_id, ",
            $sign,
            "SUM(CASE WHEN state = 1 AND counts = 1 THEN 1 ELSE 0 END) AS following, ",
            $sign,
            "SUM(CASE WHEN state = 1 AND counts = 1 AND back_since <> 0 AND back_counts = 1 THEN 1 ELSE 0 END)
                AS friends, ",
            $sign,
            "SUM(CASE WHEN state = 2 AND counts = 1 THEN 1 ELSE 0 END) AS requests_sent, ",
            $sign,
            "SUM(CASE state WHEN 3 THEN 1 ELSE 0 END) AS blocks
             FROM (
                SELECT source, state, back_since,
                    CASE WHEN (state, -since, source) <= (in_state, in_neg_since, in_source) THEN 0 ELSE 1 END
                        AS counts,
                    CASE WHEN source <= out_target THEN 0 ELSE 1 END AS back_counts
                FROM edges_out LEFT JOIN shadows ON shadows.user_id = target
                WHERE source > ? AND source <= ?
             ) AS edges GROUP BY source"
        )
    };
}

/// What `counters` should say of one person: as two statements, each of the ids around that person.
pub(super) const RECOUNTED: [&str; 2] = [counted_in!(""), counted_out!("")];

pub(super) use {counted_in, counted_out};
