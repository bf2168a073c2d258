-- The end of the event log. Every writing transaction takes this row first, so that all of them, from every
-- instance, happen one after the other and the log's numbers are contiguous and in commit order.
-- A table of its own, because on Citus it is a reference table: a row locked there is locked everywhere.
CREATE TABLE log_head (
    -- One for now; more would let several transactions write at once.
    partition SMALLINT NOT NULL PRIMARY KEY,
    -- The number of the newest event; 0 before the first.
    seq       BIGINT   NOT NULL,
    -- The newest time that a transaction used, in epoch microseconds. Never decreases.
    at        BIGINT   NOT NULL
);
