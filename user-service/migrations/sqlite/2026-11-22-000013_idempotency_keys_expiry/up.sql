-- The keys whose day is over, oldest first: each new key removes a few of them.
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
