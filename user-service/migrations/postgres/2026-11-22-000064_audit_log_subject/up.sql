-- What was done to one person: read by moderators, and removed by a purge.
CREATE INDEX audit_log_subject ON audit_log (subject_id, id) WHERE subject_id IS NOT NULL;
