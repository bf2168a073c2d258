-- The named requests of a person: what a purge removes.
CREATE INDEX idempotency_keys_user ON idempotency_keys (user_id);
