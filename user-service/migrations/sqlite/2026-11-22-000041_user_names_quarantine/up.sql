-- Quarantines in the order in which they end: what the janitor gives back.
-- Partial, so that the names in use, nearly all, cost nothing here.
CREATE INDEX user_names_quarantine ON user_names (quarantined_until) WHERE quarantined_until IS NOT NULL;
