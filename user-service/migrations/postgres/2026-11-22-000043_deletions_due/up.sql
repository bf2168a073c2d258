-- Which purge is due next, at each stage.
CREATE INDEX deletions_due ON deletions (stage, purge_at);
