-- What a named request made: the id of a session, or when something else was begun, which is as unique.
ALTER TABLE idempotency_keys RENAME COLUMN session_id TO made;
