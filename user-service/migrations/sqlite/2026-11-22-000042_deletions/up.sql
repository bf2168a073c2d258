-- WITHOUT ROWID: the rows live in the primary key's tree itself, so that a look-up reads one tree and not two.
-- Who has asked to be forgotten. A row goes with a login before purge_at, or when nothing of the person is left.
CREATE TABLE deletions (
    user_id  BIGINT   NOT NULL PRIMARY KEY,
    -- From when on nothing restores the account, in epoch microseconds.
    purge_at BIGINT   NOT NULL,
    -- 0 waits for that time, 1 is being purged, 2 is out of all tables but perhaps not out of the files' unused parts.
    stage    SMALLINT NOT NULL
) WITHOUT ROWID;
