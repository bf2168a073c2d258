-- Which of their followers a person (user_id) has marked as close friends. A row goes with the target's follow.
CREATE TABLE close_friends (
    user_id BIGINT NOT NULL,
    target BIGINT NOT NULL,
    since BIGINT NOT NULL,             -- microseconds since 1970
    PRIMARY KEY (user_id, target)
) WITHOUT ROWID;
