-- One follow, all of it. The log's head is taken first, as the services do it: its number has no gap.
\set source random(1, 50000)
\set target 1 + (:source + random(0, 49997)) % 50000
WITH head AS (UPDATE log_head SET seq = seq + 1, at = at + 1 WHERE partition = 0 RETURNING seq, at),
edge AS (
    INSERT INTO edges_out (source, target, state, notify, since, back_since)
    SELECT :source, :target, 1, 0, at, 0 FROM head ON CONFLICT DO NOTHING RETURNING source, target, since
),
back AS (INSERT INTO edges_in (target, state, neg_since, source) SELECT target, 1, -since, source FROM edge),
counted AS (
    INSERT INTO counters AS held (user_id, followers, following)
    SELECT user_id, followers, following
    FROM (SELECT source AS user_id, 0 AS followers, 1 AS following FROM edge UNION ALL SELECT target, 1, 0 FROM edge) AS new
    ON CONFLICT (user_id) DO UPDATE
    SET followers = held.followers + excluded.followers, following = held.following + excluded.following
)
INSERT INTO events (partition, seq, type, at, actor_id, subject_id, cause, data)
SELECT 0, seq, 'follow.created', at, :source, :target, NULL, '{}' FROM head;
