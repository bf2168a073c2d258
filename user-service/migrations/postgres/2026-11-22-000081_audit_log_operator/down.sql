DROP INDEX audit_log_operator;
