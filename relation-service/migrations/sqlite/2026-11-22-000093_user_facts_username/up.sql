-- Whom a name leads to.
CREATE INDEX user_facts_username ON user_facts (username);
