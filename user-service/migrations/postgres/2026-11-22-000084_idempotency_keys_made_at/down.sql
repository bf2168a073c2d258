ALTER TABLE idempotency_keys DROP COLUMN made_at;
