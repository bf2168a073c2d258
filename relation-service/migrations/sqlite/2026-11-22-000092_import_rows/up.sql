-- The rows of those files that wait, and those that failed.
CREATE TABLE import_rows (
    user_id BIGINT NOT NULL,
    import_id BIGINT NOT NULL,
    number BIGINT NOT NULL,            -- the first below the header is 1
    account TEXT NOT NULL,             -- as written
    username TEXT NOT NULL,            -- whom that names; empty for nobody of ours
    choice SMALLINT NOT NULL,          -- the option of the kind: 0 not said, 1 no, 2 yes
    target BIGINT NOT NULL,            -- who that is; 0 until it is known
    code TEXT NOT NULL,                -- why it failed; empty if it did not
    PRIMARY KEY (user_id, import_id, number)
) WITHOUT ROWID;
