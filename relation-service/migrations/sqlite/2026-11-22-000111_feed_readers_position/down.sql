ALTER TABLE feed_readers DROP COLUMN position;
