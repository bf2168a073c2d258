-- How far the two tables of search hold everybody: they are filled by the program, which folds texts, in steps, and
-- again where a new version of it finds people by other terms.
CREATE TABLE search_index (
    -- Always 0: there is one index.
    partition    SMALLINT NOT NULL PRIMARY KEY,
    -- Of the rules that made the terms.
    version      BIGINT   NOT NULL,
    -- Everybody up to this id is in.
    indexed_upto BIGINT   NOT NULL
);
