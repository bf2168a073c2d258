-- Requests that made something and came with a key, for a day: the same request again is answered the same. The answer
-- itself is not stored, because it has tokens in it; it can be made again from the session.
CREATE TABLE idempotency_keys (
    -- A keyed hash of the caller, the route and the key, none of which can be read from it.
    slot        TEXT   NOT NULL PRIMARY KEY,
    -- A keyed hash of the body: a plain one would let passwords be guessed from it.
    body_digest TEXT   NOT NULL,
    -- What was made.
    user_id     BIGINT NOT NULL,
    session_id  BIGINT NOT NULL,
    -- Epoch microseconds.
    expires_at  BIGINT NOT NULL
);
