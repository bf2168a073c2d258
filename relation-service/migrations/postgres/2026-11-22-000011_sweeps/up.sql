-- Work that one event started and that is done in bounded steps: it survives a crash in between.
CREATE TABLE sweeps (
    user_id BIGINT NOT NULL,
    -- 1 accept all requests to the person, 2 accept their own requests to public accounts, 3 take their edges
    -- out of the counters of others or put them back, 4 remove everything of a deleted person, 5 wipe the files
    -- after that
    kind SMALLINT NOT NULL,
    PRIMARY KEY (user_id, kind)
);
