-- When the person opened a session last, in epoch microseconds: sessions that are over are forgotten.
ALTER TABLE users ADD COLUMN last_sign_in_at BIGINT;
