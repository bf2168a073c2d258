-- WITHOUT ROWID: the rows live in the primary key's tree itself, so that a look-up reads one tree and not two.
-- Sessions, one per login. The user id comes first in the key: it is what rows are spread by, a refresh token says it,
-- and the list and the end of all of a person's sessions are a range. Refresh tokens are not stored: one is made from
-- the key of the server, the ids, the generation and the nonce.
CREATE TABLE sessions (
    user_id             BIGINT NOT NULL,
    id                  BIGINT NOT NULL,
    -- Empty: none.
    device_name         TEXT   NOT NULL,
    -- 16 random bytes in base64url.
    nonce               TEXT   NOT NULL,
    -- The number of the refresh token that rotates next, and when it was made (epoch microseconds, as all below).
    generation          BIGINT NOT NULL,
    rotated_at          BIGINT NOT NULL,
    created_at          BIGINT NOT NULL,
    last_used_at        BIGINT NOT NULL,
    -- The end unless refreshed before, and the end in any case.
    expires_at          BIGINT NOT NULL,
    absolute_expires_at BIGINT NOT NULL,
    -- NULL unless ended before its time.
    revoked_at          BIGINT,
    PRIMARY KEY (user_id, id)
) WITHOUT ROWID;
