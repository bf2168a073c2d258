-- When the session last proved its person, in epoch microseconds: by the login, or by a password asked for again. A
-- refresh proves nothing. Sessions from before this column have proved nothing lately.
ALTER TABLE sessions ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;
