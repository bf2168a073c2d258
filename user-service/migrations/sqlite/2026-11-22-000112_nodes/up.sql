-- The instances that run, each with a number of its own, by which the ids that they make differ.
CREATE TABLE nodes (
    node   BIGINT NOT NULL PRIMARY KEY,
    -- A random number of the instance.
    holder BIGINT NOT NULL,
    -- Until when the number is its own unless it says so again, in epoch microseconds of the database's clock.
    until  BIGINT NOT NULL,
    -- By which instances notice that their secrets differ: a hash.
    secrets TEXT  NOT NULL
) WITHOUT ROWID;
