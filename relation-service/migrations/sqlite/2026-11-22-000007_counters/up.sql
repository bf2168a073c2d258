-- How many edges a person has, changed in the transaction of each edge; nothing is below zero.
CREATE TABLE counters (
    user_id BIGINT NOT NULL PRIMARY KEY,
    followers BIGINT NOT NULL CHECK (followers >= 0),
    following BIGINT NOT NULL CHECK (following >= 0),
    friends BIGINT NOT NULL CHECK (friends >= 0),
    requests_received BIGINT NOT NULL CHECK (requests_received >= 0),
    requests_sent BIGINT NOT NULL CHECK (requests_sent >= 0),
    blocks BIGINT NOT NULL CHECK (blocks >= 0)
) WITHOUT ROWID;
