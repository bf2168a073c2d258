-- The events about a person, in order: what an export lists and a purge empties.
-- Partial, so that what has been emptied costs nothing here.
CREATE INDEX events_about ON events (subject_id, seq) WHERE data <> '{}';
