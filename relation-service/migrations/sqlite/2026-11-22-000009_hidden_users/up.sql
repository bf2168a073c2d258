-- The few hidden people, for leaving them out of everybody's lists.
CREATE INDEX hidden_users ON user_facts (user_id) WHERE status <> 0;
