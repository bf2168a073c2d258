-- The events of a person that say more than who and whom: what the deletion of an account empties.
-- Partial, so that nearly all events cost nothing here.
CREATE INDEX events_telling ON events (actor_id, seq) WHERE data <> '{}';
