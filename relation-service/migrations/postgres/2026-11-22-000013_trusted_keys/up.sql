-- The last key set of user-service: tokens are verified with it while user-service is away.
CREATE TABLE trusted_keys (
    issuer TEXT NOT NULL PRIMARY KEY,
    key_set TEXT NOT NULL
);
