-- Other backend services that may call us, looked up by the name that their token begins with.
CREATE TABLE service_tokens (
    name        TEXT   NOT NULL PRIMARY KEY,
    -- A hash: the secret itself is shown once and kept nowhere.
    secret_hash TEXT   NOT NULL,
    -- Separated by commas.
    scopes      TEXT   NOT NULL,
    -- Epoch microseconds.
    created_at  BIGINT NOT NULL,
    -- NULL while the token is valid.
    revoked_at  BIGINT
);
