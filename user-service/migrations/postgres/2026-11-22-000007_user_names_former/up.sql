-- The former names of a person: whether the person was renamed recently, what an export lists, what a purge removes,
-- and which quarantines are over (a walk of the whole index, which only holds the renamed of the last weeks).
-- Partial, so that the names in use, nearly all, cost nothing here: users has them.
CREATE INDEX user_names_former ON user_names (user_id, quarantined_until) WHERE quarantined_until IS NOT NULL;
