-- Indexes of user-service that are read in their order. YugabyteDB hashes the first column of an index unless told
-- otherwise, so what is made by the service's start serves equality alone; here they are made again in order. Run it once,
-- when the tables are there, with the service stopped:
--   ysqlsh -v ON_ERROR_STOP=1 -f deploy/yugabyte/users.sql
-- It is plain Postgres too. Every index of the schema is named here; a test walks the schema.

DROP INDEX sessions_revoked;
CREATE INDEX sessions_revoked ON sessions (revoked_at ASC) WHERE revoked_at IS NOT NULL;
DROP INDEX sessions_expiry;
CREATE INDEX sessions_expiry ON sessions (expires_at ASC);
DROP INDEX idempotency_keys_expiry;
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at ASC);
DROP INDEX mails_due;
CREATE INDEX mails_due ON mails (due_at ASC);
DROP INDEX mail_tokens_expiry;
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at ASC);
DROP INDEX user_names_quarantine;
CREATE INDEX user_names_quarantine ON user_names (quarantined_until ASC) WHERE quarantined_until IS NOT NULL;
DROP INDEX suspensions_until;
CREATE INDEX suspensions_until ON suspensions (until ASC) WHERE until IS NOT NULL;
-- Four statuses would be four hashes: in order, the index can be split anywhere.
DROP INDEX users_roster;
CREATE INDEX users_roster ON users (status ASC, role ASC, verified ASC, created_at ASC, id ASC);
DROP INDEX users_roster_names;
CREATE INDEX users_roster_names ON users (status ASC, role ASC, verified ASC, username COLLATE "C" ASC);

-- equality: user_names_former: by person
-- equality: idempotency_keys_user: by person
-- equality: deletions_due: by stage, then in order of time
-- equality: events_about: by person, then in order of the log
-- equality: audit_log_actor: by person
-- equality: audit_log_subject: by person
-- equality: audit_log_action: by action
-- equality: audit_log_operator: by operator
-- equality: audit_log_actor_action: by person
