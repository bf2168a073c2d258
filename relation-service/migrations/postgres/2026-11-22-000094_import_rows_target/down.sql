DROP INDEX import_rows_target;
