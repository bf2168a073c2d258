DROP INDEX idempotency_keys_user;
