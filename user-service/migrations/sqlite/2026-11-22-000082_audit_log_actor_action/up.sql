-- What one person did of one kind, newest last: a rare kind among many acts.
CREATE INDEX audit_log_actor_action ON audit_log (actor_id, action, id) WHERE actor_id IS NOT NULL;
