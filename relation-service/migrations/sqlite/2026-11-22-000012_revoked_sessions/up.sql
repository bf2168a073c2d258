-- Sessions that ended before their access tokens did; kept for the life of a token.
CREATE TABLE revoked_sessions (
    session_id BIGINT NOT NULL PRIMARY KEY,
    revoked_at BIGINT NOT NULL
) WITHOUT ROWID;
