-- Whom a person (user_id) mutes. Nobody else is told, so nothing is stored by target.
CREATE TABLE mutes (
    user_id BIGINT NOT NULL,
    target BIGINT NOT NULL,
    since BIGINT NOT NULL,             -- microseconds since 1970
    expires_at BIGINT NOT NULL,        -- over from then on, whoever looks; the largest number is never
    notifications SMALLINT NOT NULL,   -- 1 if notifications are muted too
    PRIMARY KEY (user_id, target)
);
