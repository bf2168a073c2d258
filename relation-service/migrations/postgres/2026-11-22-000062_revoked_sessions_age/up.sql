-- Sessions that ended so long ago that their access tokens have expired: each new one removes those.
CREATE INDEX revoked_sessions_age ON revoked_sessions (revoked_at);
