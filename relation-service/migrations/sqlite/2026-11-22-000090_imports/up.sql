-- Files of accounts that people bring, and how far each has come. The id is the moment, in microseconds since 1970.
CREATE TABLE imports (
    user_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    request_key TEXT NOT NULL,         -- a digest of the name of the request, or empty
    request_body TEXT NOT NULL,        -- a digest of what it asked for
    kind SMALLINT NOT NULL,            -- 1 following, 2 blocks, 3 mutes
    mode SMALLINT NOT NULL,            -- 1 merge, 2 overwrite
    dry_run SMALLINT NOT NULL,
    state SMALLINT NOT NULL,           -- 1 queued, 2 running, 3 waiting, 4 done
    phase SMALLINT NOT NULL,           -- 1 resolve, 2 remove, 3 act, 4 foresee
    total BIGINT NOT NULL,             -- rows of the file
    resolved BIGINT NOT NULL,          -- the last row of whom it is known whom it names; then the last person left out
    processed BIGINT NOT NULL,         -- the last row that was acted on
    failed BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    removed BIGINT NOT NULL,
    PRIMARY KEY (user_id, id)
) WITHOUT ROWID;
