-- Indexes of relation-service that are read in their order. YugabyteDB hashes the first column of an index unless told
-- otherwise, so what is made by the service's start serves equality alone; here they are made again in order. Run it once,
-- when the tables are there, with the service stopped:
--   ysqlsh -v ON_ERROR_STOP=1 -f deploy/yugabyte/relations.sql
-- It is plain Postgres too. Every index of the schema is named here; a test walks the schema.

DROP INDEX revoked_sessions_age;
CREATE INDEX revoked_sessions_age ON revoked_sessions (revoked_at ASC);

-- equality: hidden_users: by person
-- equality: mutes_of: by person
-- equality: notes_of: by person
-- equality: dismissals_of: by person
-- equality: events_telling: by person, then in order of the log
-- equality: imports_open: by state, then in order of ids
-- equality: user_facts_username: by name
-- equality: import_rows_target: by person
-- equality: import_rows_username: by name
