-- The one row of the log's head. A migration of its own: one statement per file is what Citus accepts.
INSERT INTO log_head (partition, seq, at) VALUES (0, 0, 0);
