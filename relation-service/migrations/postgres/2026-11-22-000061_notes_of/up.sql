-- Who has noted something about a person: what the deletion of an account removes.
CREATE INDEX notes_of ON notes (target);
