-- The same edges by target, newest first by key: time is stored negated because a primary key cannot
-- say DESC on every database. Serves followers, received requests and "who blocks me" page by page.
CREATE TABLE edges_in (
    target BIGINT NOT NULL,
    state SMALLINT NOT NULL,
    neg_since BIGINT NOT NULL,
    source BIGINT NOT NULL,
    PRIMARY KEY (target, state, neg_since, source)
) WITHOUT ROWID;
