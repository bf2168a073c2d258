-- What people are found by: usernames, words, pairs of words, of all whom others see and of nobody else. Read from one
-- text onwards, by kind, up to a bound: so the key begins with these and not with the person, whose terms are computed
-- from the person's row wherever they are added, removed or audited.
-- Ordered by bytes, as a beginning of a text is asked for as a range.
CREATE TABLE search_terms (
    -- 0 username, 1 word, 2 two words.
    kind    SMALLINT NOT NULL,
    -- Folded: without case, accents and punctuation.
    term    TEXT COLLATE "C" NOT NULL,
    user_id BIGINT NOT NULL,
    PRIMARY KEY (kind, term, user_id)
);
