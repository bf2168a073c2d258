-- Events of a feed that could not be read: kept for an operator to look at, so that one bad event
-- neither stops the feed nor is lost in silence.
CREATE TABLE parked_events (
    feed TEXT NOT NULL,
    seq BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (feed, seq)
);
