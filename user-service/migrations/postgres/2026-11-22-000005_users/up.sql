-- People. All of one person is one row on the shard of the id, read by id. Truth values are 0 and 1; ids and times
-- are made by the application.
CREATE TABLE users (
    id                BIGINT   NOT NULL PRIMARY KEY,
    -- Also in user_names, which keeps it unique.
    username          TEXT     NOT NULL,
    -- Empty: none.
    display_name      TEXT     NOT NULL,
    bio               TEXT     NOT NULL,
    avatar_url        TEXT,
    -- A JSON array of addresses.
    links             TEXT     NOT NULL,
    -- ISO 3166-1 alpha-2, BCP 47.
    region            TEXT,
    language          TEXT,
    -- Also in user_emails, which keeps it unique. Imported people have none.
    email             TEXT,
    email_verified    SMALLINT NOT NULL,
    -- A PHC string (argon2id). Imported people have none and cannot log in with a password.
    password_hash     TEXT,
    -- 0 user, 1 moderator, 2 admin.
    role              SMALLINT NOT NULL,
    -- 0 active, 1 suspended, 2 deactivated, 3 deleted.
    status            SMALLINT NOT NULL,
    verified          SMALLINT NOT NULL,
    -- Privacy. show_relations: 0 everyone, 1 followers, 2 only_me. The last three: 0 everyone, 1 followers,
    -- 2 friends, 3 nobody.
    private_account   SMALLINT NOT NULL,
    show_relations    SMALLINT NOT NULL,
    show_counts       SMALLINT NOT NULL,
    suggest_to_others SMALLINT NOT NULL,
    messages_from     SMALLINT NOT NULL,
    comments_from     SMALLINT NOT NULL,
    mentions_from     SMALLINT NOT NULL,
    -- Epoch microseconds.
    created_at        BIGINT   NOT NULL,
    updated_at        BIGINT   NOT NULL,
    -- Counts the changes: the ETag of the record, by which a lost update is noticed.
    version           BIGINT   NOT NULL
);
