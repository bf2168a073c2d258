-- Mails that are to be sent, written with the change that they tell of. A row goes when the mail server has taken the
-- mail. The text is not stored: it is written, with its token, when the mail is sent.
CREATE TABLE mails (
    -- Whose account the mail is about; an export and a purge read by it.
    user_id    BIGINT   NOT NULL,
    id         BIGINT   NOT NULL,
    -- 0 verification, 1 email_change, 2 email_change_asked, 3 email_changed, 4 address_in_use, 5 password_reset,
    -- 6 password_changed.
    kind       SMALLINT NOT NULL,
    -- An address as an account has it, never one as somebody typed it.
    recipient  TEXT     NOT NULL,
    -- The token that the mail brings, if it brings one. Another token in its place makes the mail void.
    token_id   BIGINT,
    -- Tries so far, the one under way included.
    tries      BIGINT   NOT NULL,
    -- Epoch microseconds, as all below. When to do the next thing about the mail: try again, or, once it has failed,
    -- forget it.
    due_at     BIGINT   NOT NULL,
    -- After this nobody wants the mail any more.
    expires_at BIGINT   NOT NULL,
    -- NULL unless the mail was given up.
    failed_at  BIGINT,
    PRIMARY KEY (user_id, id)
);
