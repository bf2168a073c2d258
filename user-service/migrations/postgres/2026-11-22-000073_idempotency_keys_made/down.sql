ALTER TABLE idempotency_keys RENAME COLUMN made TO session_id;
