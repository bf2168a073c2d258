DROP INDEX idempotency_keys_expiry;
