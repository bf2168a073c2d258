-- What moderators, admins and operators did to accounts, each row in the transaction of the act. Nothing changes or
-- removes a row but the purge of the person whom it is about.
-- INTEGER PRIMARY KEY is SQLite's own row number, so that a look-up reads one tree.
CREATE TABLE audit_log (
    -- Ordered by time.
    id         INTEGER  NOT NULL PRIMARY KEY,
    -- Epoch microseconds.
    at         BIGINT   NOT NULL,
    -- NULL for the operator, and for what ended by itself.
    actor_id   BIGINT,
    -- 1 for a command of the operator.
    operator   SMALLINT NOT NULL,
    action     TEXT     NOT NULL,
    subject_id BIGINT,
    reason     TEXT,
    -- JSON objects: what the act changed.
    before     TEXT,
    after      TEXT
);
