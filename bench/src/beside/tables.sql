-- The tables of a follow, as relation-service has them.
CREATE TABLE log_head (partition SMALLINT NOT NULL PRIMARY KEY, seq BIGINT NOT NULL, at BIGINT NOT NULL);
INSERT INTO log_head (partition, seq, at) VALUES (0, 0, 1);
CREATE TABLE events (
    partition SMALLINT NOT NULL, seq BIGINT NOT NULL, type TEXT NOT NULL, at BIGINT NOT NULL, actor_id BIGINT,
    subject_id BIGINT, cause TEXT, data TEXT NOT NULL, PRIMARY KEY (partition, seq)
);
CREATE TABLE edges_out (
    source BIGINT NOT NULL, target BIGINT NOT NULL, state SMALLINT NOT NULL, notify SMALLINT NOT NULL, since BIGINT NOT NULL,
    back_since BIGINT NOT NULL, PRIMARY KEY (source, target)
);
CREATE TABLE edges_in (
    target BIGINT NOT NULL, state SMALLINT NOT NULL, neg_since BIGINT NOT NULL, source BIGINT NOT NULL,
    PRIMARY KEY (target, state, neg_since, source)
);
CREATE TABLE counters (
    user_id BIGINT NOT NULL PRIMARY KEY, followers BIGINT NOT NULL CHECK (followers >= 0),
    following BIGINT NOT NULL CHECK (following >= 0)
);
-- For numbers that only have to be different.
CREATE SEQUENCE moments CACHE 64;
