-- Who has ever read the feed: after a restart, what they must honour is not called done before they
-- have come back for it.
CREATE TABLE feed_readers (
    name TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
