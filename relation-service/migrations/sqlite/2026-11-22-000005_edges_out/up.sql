-- What one person (source) holds towards another (target): one row per ordered pair, so a follow, a
-- request and a block in the same direction exclude each other by key. The truth about the pair.
-- A person's rows are bounded by the limits, so lists by source are sorted from at most those.
CREATE TABLE edges_out (
    source BIGINT NOT NULL,
    target BIGINT NOT NULL,
    state SMALLINT NOT NULL,      -- 1 follow, 2 request, 3 block
    notify SMALLINT NOT NULL,     -- 0 or 1: an option of follows and requests
    since BIGINT NOT NULL,        -- microseconds since 1970
    back_since BIGINT NOT NULL,   -- when the target's follow of the source began; 0 if there is none
    PRIMARY KEY (source, target)
) WITHOUT ROWID;
