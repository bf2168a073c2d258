-- The suspensions that end by themselves, soonest first: what to lift next.
-- Partial, so that those for good cost nothing here.
CREATE INDEX suspensions_until ON suspensions (until) WHERE until IS NOT NULL;
