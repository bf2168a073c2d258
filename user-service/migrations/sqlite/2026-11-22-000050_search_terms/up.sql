-- WITHOUT ROWID: the rows live in the primary key's tree itself, so that a look-up reads one tree and not two.
-- What people are found by: usernames, words, pairs of words, of all whom others see and of nobody else. Read from one
-- text onwards, by kind, up to a bound: so the key begins with these and not with the person, whose terms are computed
-- from the person's row wherever they are added, removed or audited.
CREATE TABLE search_terms (
    -- 0 username, 1 word, 2 two words.
    kind    SMALLINT NOT NULL,
    -- Folded: without case, accents and punctuation.
    term    TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    PRIMARY KEY (kind, term, user_id)
) WITHOUT ROWID;
