-- What is open, and what is old.
CREATE INDEX imports_open ON imports (state, id);
