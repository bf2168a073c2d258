-- Rows that name somebody who is not known, or who could not be brought.
CREATE INDEX import_rows_username ON import_rows (username, target);
