-- WITHOUT ROWID: the rows live in the primary key's tree itself, so that a look-up reads one tree and not two.
-- Addresses, known or not, for which somebody asked for a new password, until the mailer has looked whose they are: the
-- request itself looks up nothing, so that it takes as long for nobody as for somebody. The key is the address in lower
-- case, as in user_emails, so that many requests for one address are one.
CREATE TABLE password_reset_requests (
    email_key TEXT   NOT NULL PRIMARY KEY,
    -- Epoch microseconds.
    asked_at  BIGINT NOT NULL
) WITHOUT ROWID;
