-- And with whom it was.
ALTER TABLE sweeps ADD COLUMN other BIGINT NOT NULL DEFAULT 0;
