-- How far a sweep that answers requests has come through them: a step does not read again those that it left, of people
-- who are hidden. When the last one was made that was looked at; 0 at the start.
ALTER TABLE sweeps ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
