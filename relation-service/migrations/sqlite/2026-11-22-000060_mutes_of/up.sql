-- Who mutes a person: what the deletion of an account ends.
CREATE INDEX mutes_of ON mutes (target);
