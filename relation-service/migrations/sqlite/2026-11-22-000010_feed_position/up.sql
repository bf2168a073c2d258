-- How far a feed has been applied, written in the transaction of what it brought.
CREATE TABLE feed_position (
    feed TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
) WITHOUT ROWID;
