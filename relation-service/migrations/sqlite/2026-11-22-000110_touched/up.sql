-- What each transaction changed, for other processes that remember. Here there are none: it stays empty.
CREATE TABLE touched (
    -- The head's time after the transaction.
    at    BIGINT NOT NULL PRIMARY KEY,
    -- The head's time before it.
    prior BIGINT NOT NULL,
    -- What it changed; empty for anything.
    told  TEXT   NOT NULL
) WITHOUT ROWID;
