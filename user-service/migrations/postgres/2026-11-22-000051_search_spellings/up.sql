-- How the words of search_terms may be misspelt: each under three keys, of which a word that is one slip away has one
-- too. By word and not by person, so that a common word costs three rows however many people have it. A word goes with
-- the last person who has it.
CREATE TABLE search_spellings (
    spelling BIGINT NOT NULL,
    word     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (spelling, word)
);
