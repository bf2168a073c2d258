-- Sessions whose time is over, oldest first: what the janitor forgets. The end in any case is never before this one.
CREATE INDEX sessions_expiry ON sessions (expires_at);
