-- The tokens whose time is over, oldest first: each new token removes a few of them.
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at);
