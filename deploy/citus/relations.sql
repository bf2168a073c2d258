-- Spreads the tables of relation-service over a Citus cluster. Run it once, on the coordinator, when the tables are there and
-- empty (after a first start of the service, or of any operator's command), with the service stopped:
--   psql --single-transaction -v ON_ERROR_STOP=1 -f deploy/citus/relations.sql postgres://...
-- Every table of the schema is named here exactly once; a test walks the schema.

-- Locked by the first statement of each writing transaction, on every node: that is why it is a reference table. A local or
-- a distributed one was measured to let a batch decide on rows that the one before it had just changed.
SELECT create_reference_table('log_head');

-- By person, all together: whatever is asked about one person is asked of one shard. Each edge is stored by source and by
-- target. 256 shards can be moved to as many nodes; their number is hard to change later, and
-- docs/scaling.md says when it is too small.
SELECT create_distributed_table('edges_out', 'source', colocate_with => 'none', shard_count => 256);
SELECT create_distributed_table('edges_in', 'target', colocate_with => 'edges_out');
SELECT create_distributed_table('counters', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('user_facts', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('shadows', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('mutes', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('close_friends', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('notes', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('dismissals', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('follow_starts', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('imports', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('import_rows', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('private_spans', 'user_id', colocate_with => 'edges_out');
SELECT create_distributed_table('purges', 'user_id', colocate_with => 'edges_out');

-- The work that is under way: few rows, joined with the edges of anybody, so each node has them.
SELECT create_reference_table('sweeps');

-- local: events: written in one order behind the log's head and read in that order; the coordinator has both
-- local: touched: a chain of the last minute, read in its order behind the log's head
-- local: service_tokens: few rows
-- local: feed_readers: few rows
-- local: feed_position: one row a feed
-- local: trusted_keys: one row
-- local: parked_events: few rows, and none if all is well
-- local: revoked_sessions: those of ten minutes, read at the start
