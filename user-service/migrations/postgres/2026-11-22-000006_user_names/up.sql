-- Whose a username is. A table of its own, with the name as its key, because a unique key must be on one shard and
-- users are spread by id. Serves log-in, look-up by name and the refusal of taken names.
CREATE TABLE user_names (
    name              TEXT   NOT NULL PRIMARY KEY,
    user_id           BIGINT NOT NULL,
    -- What the name looks like: the row of name_skeletons to give up with the name, unless another name of the
    -- same person has it too.
    skeleton          TEXT   NOT NULL,
    -- NULL for the name in use; for a name given up, until when (epoch microseconds) it still leads to its former
    -- owner and to nobody else.
    quarantined_until BIGINT
);
