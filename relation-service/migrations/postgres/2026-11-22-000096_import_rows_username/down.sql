DROP INDEX import_rows_username;
