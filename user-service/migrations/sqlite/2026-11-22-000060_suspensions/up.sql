-- Accounts that are closed by a moderator: why, since when, until when, by whom, and what they were before.
-- users.status says that they are; a row here goes with the suspension.
-- INTEGER PRIMARY KEY is SQLite's own row number, so that a look-up reads one tree.
CREATE TABLE suspensions (
    user_id       INTEGER  NOT NULL PRIMARY KEY,
    reason        TEXT     NOT NULL,
    -- Epoch microseconds; NULL for good.
    since         BIGINT   NOT NULL,
    until         BIGINT,
    -- NULL for the operator.
    moderator_id  BIGINT,
    -- As in users: what lifting returns to.
    status_before SMALLINT NOT NULL
);
