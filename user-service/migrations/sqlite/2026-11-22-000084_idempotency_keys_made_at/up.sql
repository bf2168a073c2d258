-- When that session began, in epoch microseconds.
ALTER TABLE idempotency_keys ADD COLUMN made_at BIGINT;
