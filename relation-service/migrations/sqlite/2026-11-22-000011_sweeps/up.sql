-- Work that one event started and that is done in bounded steps: it survives a crash in between.
CREATE TABLE sweeps (
    user_id BIGINT NOT NULL,
    kind SMALLINT NOT NULL,            -- 1 accept all requests, because the account went public
    PRIMARY KEY (user_id, kind)
) WITHOUT ROWID;
