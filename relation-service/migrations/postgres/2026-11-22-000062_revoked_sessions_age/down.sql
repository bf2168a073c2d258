DROP INDEX revoked_sessions_age;
