-- Who has ever read the feed: what such a reader has not read is kept longer than other old events.
CREATE TABLE feed_readers (
    name TEXT NOT NULL PRIMARY KEY
);
