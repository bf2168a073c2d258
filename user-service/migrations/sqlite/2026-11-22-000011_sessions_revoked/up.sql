-- Sessions ended recently, whose access tokens have not expired yet: what an instance reads when it starts.
-- Partial, so that live sessions, nearly all, cost nothing here.
CREATE INDEX sessions_revoked ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
