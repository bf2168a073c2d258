-- Spreads the tables of user-service over a Citus cluster. Run it once, on the coordinator, when the tables are there and
-- empty (after a first start of the service, or of any operator's command), with the service stopped:
--   psql --single-transaction -v ON_ERROR_STOP=1 -f deploy/citus/users.sql postgres://...
-- Every table of the schema is named here exactly once; a test walks the schema.

-- Locked by the first statement of each writing transaction, on every node: that is why it is a reference table. A local or
-- a distributed one was measured to let a batch decide on rows that the one before it had just changed.
SELECT create_reference_table('log_head');

-- By person, all together: whatever is asked about one person is asked of one shard. 256 shards can be moved to as many
-- nodes; their number is hard to change later.
SELECT create_distributed_table('users', 'id', colocate_with => 'none', shard_count => 256);
SELECT create_distributed_table('sessions', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('known_networks', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('mails', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('mail_tokens', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('deletions', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('suspensions', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('two_factors', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('recovery_codes', 'user_id', colocate_with => 'users');

-- By what is claimed: one shard says whose a name, a look or an address is.
SELECT create_distributed_table('user_names', 'name', colocate_with => 'none', shard_count => 256);
SELECT create_distributed_table('name_skeletons', 'skeleton', colocate_with => 'user_names');
SELECT create_distributed_table('user_emails', 'email_key', colocate_with => 'user_names');
SELECT create_distributed_table('password_reset_requests', 'email_key', colocate_with => 'user_names');
SELECT create_distributed_table('idempotency_keys', 'slot', colocate_with => 'user_names');

-- Search asks all shards. By person and not by `kind`, the first column of the key, which has three values; each shard then
-- finds its own people, beside their rows.
SELECT create_distributed_table('search_terms', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('search_spellings', 'spelling', colocate_with => 'none', shard_count => 256);

-- local: events: written in one order behind the log's head and read in that order; the coordinator has both
-- local: touched: a chain of the last minute, read in its order behind the log's head
-- local: service_tokens: few rows
-- local: feed_readers: few rows
-- local: nodes: one row an instance
-- local: search_index: one row
-- local: audit_log: what moderators do, looked through by many columns; it does not grow with people
