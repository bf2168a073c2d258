-- What each transaction changed of what processes remember, so that those that did not make it follow: kept for a
-- minute, as a chain in which a missing link shows. Not logged: after a crash of the server all start anew.
CREATE UNLOGGED TABLE touched (
    -- The head's time after the transaction.
    at    BIGINT NOT NULL PRIMARY KEY,
    -- The head's time before it.
    prior BIGINT NOT NULL,
    -- What it changed; empty for anything.
    told  TEXT   NOT NULL
);
