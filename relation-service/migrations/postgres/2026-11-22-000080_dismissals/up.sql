-- Whom a person (user_id) does not want to be suggested. Nobody else is told.
CREATE TABLE dismissals (
    user_id BIGINT NOT NULL,
    target BIGINT NOT NULL,
    since BIGINT NOT NULL,             -- microseconds since 1970; it lapses after a while, whoever looks
    PRIMARY KEY (user_id, target)
);
