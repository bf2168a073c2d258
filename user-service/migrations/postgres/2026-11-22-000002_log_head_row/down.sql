DELETE FROM log_head;
