-- When a person (user_id) began to follow or asked to: what the quota of a day counts, and kept no longer.
-- Written only where there is a quota.
CREATE TABLE follow_starts (
    user_id BIGINT NOT NULL,
    at BIGINT NOT NULL,   -- microseconds since 1970; no two acts of one log have the same
    PRIMARY KEY (user_id, at)
);
