-- How far each reader has come, as one of several instances has heard: for the others.
ALTER TABLE feed_readers ADD COLUMN position BIGINT NOT NULL DEFAULT 0;
