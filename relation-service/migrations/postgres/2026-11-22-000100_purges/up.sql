-- How far the purge of a deleted person has come through the edges to them, which have no bound: a step does not
-- look again at rows that earlier ones removed.
CREATE TABLE purges (
    user_id BIGINT NOT NULL PRIMARY KEY,
    in_state SMALLINT NOT NULL,
    in_neg_since BIGINT NOT NULL,
    in_source BIGINT NOT NULL
);
