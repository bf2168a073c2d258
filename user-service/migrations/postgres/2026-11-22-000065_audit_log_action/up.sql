-- Acts of one kind, newest last.
CREATE INDEX audit_log_action ON audit_log (action, id);
