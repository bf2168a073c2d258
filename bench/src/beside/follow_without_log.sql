-- The edge, twice, and the two counters: no event, so no transaction waits for another's number.
\set source random(1, 50000)
\set target 1 + (:source + random(0, 49997)) % 50000
WITH edge AS (
    INSERT INTO edges_out (source, target, state, notify, since, back_since)
    SELECT :source, :target, 1, 0, nextval('moments'), 0 ON CONFLICT DO NOTHING RETURNING source, target, since
),
back AS (INSERT INTO edges_in (target, state, neg_since, source) SELECT target, 1, -since, source FROM edge)
INSERT INTO counters AS held (user_id, followers, following)
SELECT user_id, followers, following
FROM (SELECT source AS user_id, 0 AS followers, 1 AS following FROM edge UNION ALL SELECT target, 1, 0 FROM edge) AS new
-- In one order, so that two transactions do not wait for each other.
ORDER BY user_id
ON CONFLICT (user_id) DO UPDATE
SET followers = held.followers + excluded.followers, following = held.following + excluded.following;
