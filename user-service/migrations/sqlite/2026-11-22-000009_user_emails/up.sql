-- WITHOUT ROWID: the rows live in the primary key's tree itself, so that a look-up reads one tree and not two.
-- Whose an e-mail address is, by the address in lower case. Keeps addresses unique and serves log-in and resets.
CREATE TABLE user_emails (
    email_key TEXT   NOT NULL PRIMARY KEY,
    user_id   BIGINT NOT NULL
) WITHOUT ROWID;
