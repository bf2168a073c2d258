-- Whose files name a person: what the deletion of an account ends, and whom a file leaves out.
CREATE INDEX import_rows_target ON import_rows (target, user_id, import_id);
