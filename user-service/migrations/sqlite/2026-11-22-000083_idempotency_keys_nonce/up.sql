-- What the tokens of the session that a named request opened are made from: the answer can be made again also when the
-- session is over and forgotten. NULL for what is no session, and for sessions from before this column.
ALTER TABLE idempotency_keys ADD COLUMN nonce TEXT;
