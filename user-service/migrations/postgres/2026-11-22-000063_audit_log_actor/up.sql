-- What one person did, newest last. Partial: the operator's acts are found by action.
CREATE INDEX audit_log_actor ON audit_log (actor_id, id) WHERE actor_id IS NOT NULL;
