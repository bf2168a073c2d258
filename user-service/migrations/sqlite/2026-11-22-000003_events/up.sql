-- WITHOUT ROWID: the rows live in the primary key's tree itself, so that a look-up reads one tree and not two.
-- The event log: written in the transaction of each change, read by number. The primary key serves the feed
-- (a range from a number on) and retention (a range from the start), and nothing else is asked of it.
CREATE TABLE events (
    partition  SMALLINT NOT NULL,
    -- Contiguous, from 1.
    seq        BIGINT   NOT NULL,
    -- What happened, as noun.verb.
    type       TEXT     NOT NULL,
    -- When, in epoch microseconds.
    at         BIGINT   NOT NULL,
    -- Who did it, to whom, and why, where there is such a thing.
    actor_id   BIGINT,
    subject_id BIGINT,
    cause      TEXT,
    -- What else consumers need: a JSON object.
    data       TEXT     NOT NULL,
    PRIMARY KEY (partition, seq)
) WITHOUT ROWID;
