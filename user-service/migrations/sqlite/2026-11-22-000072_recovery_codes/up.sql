-- WITHOUT ROWID: the rows live in the primary key's tree itself, so that a look-up reads one tree and not two.
-- The codes for people who have lost their second factor, each for one use: a row goes when its code is used.
CREATE TABLE recovery_codes (
    user_id BIGINT NOT NULL,
    -- A keyed hash of the code.
    digest  TEXT   NOT NULL,
    PRIMARY KEY (user_id, digest)
) WITHOUT ROWID;
