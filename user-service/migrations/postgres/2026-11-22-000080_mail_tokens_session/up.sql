-- The session that asked for another address, which stays when the others end. NULL for other tokens, and for those from
-- before.
ALTER TABLE mail_tokens ADD COLUMN session_id BIGINT;
