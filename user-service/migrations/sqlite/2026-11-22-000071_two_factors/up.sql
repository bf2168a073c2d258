-- WITHOUT ROWID: the rows live in the primary key's tree itself, so that a look-up reads one tree and not two.
-- The second factor of those who have one, or are about to: what a login asks for besides the password.
CREATE TABLE two_factors (
    user_id       BIGINT NOT NULL PRIMARY KEY,
    -- The secret of the one-time codes, encrypted under a key of the server: base64url of the nonce and the ciphertext.
    sealed_secret TEXT   NOT NULL,
    -- Epoch microseconds, as all below. Not in force until it is confirmed.
    begun_at      BIGINT NOT NULL,
    enabled_at    BIGINT,
    -- The number of the newest 30 seconds whose code was used: neither it nor an older one is taken again.
    last_step     BIGINT NOT NULL,
    -- Since the last right code, and until when none is looked at.
    wrong_codes   BIGINT NOT NULL,
    retry_at      BIGINT NOT NULL
) WITHOUT ROWID;
