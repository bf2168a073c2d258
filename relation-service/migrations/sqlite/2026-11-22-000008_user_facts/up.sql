-- This service's own copy of what it needs to know about people, from user-service's feed.
CREATE TABLE user_facts (
    user_id BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,               -- the newest event of user-service that the row includes
    username TEXT NOT NULL,
    display_name TEXT NOT NULL,
    avatar_url TEXT,
    verified SMALLINT NOT NULL,
    status SMALLINT NOT NULL,          -- 0 active; anything else is hidden
    private_account SMALLINT NOT NULL,
    show_relations SMALLINT NOT NULL,
    show_counts SMALLINT NOT NULL,
    suggest_to_others SMALLINT NOT NULL,
    messages_from SMALLINT NOT NULL,
    comments_from SMALLINT NOT NULL,
    mentions_from SMALLINT NOT NULL
) WITHOUT ROWID;
