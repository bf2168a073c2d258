-- What no person did, newest last: the operator's acts, and what ended by itself.
CREATE INDEX audit_log_operator ON audit_log (operator, id) WHERE actor_id IS NULL;
