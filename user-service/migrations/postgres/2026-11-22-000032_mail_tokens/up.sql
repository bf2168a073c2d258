-- Tokens that were mailed and can still be used: one of each purpose a person, so that a new one voids the one before.
-- Tokens are not stored: one is made from the key of the server and all of its row.
CREATE TABLE mail_tokens (
    user_id    BIGINT   NOT NULL,
    -- 0 verification, 1 email_change, 2 password_reset.
    purpose    SMALLINT NOT NULL,
    id         BIGINT   NOT NULL,
    -- 32 random bytes in base64url.
    nonce      TEXT     NOT NULL,
    -- Where the token was mailed to: for email_change the new address, which is nobody's yet.
    address    TEXT     NOT NULL,
    -- Epoch microseconds.
    expires_at BIGINT   NOT NULL,
    PRIMARY KEY (user_id, purpose)
);
