DROP INDEX imports_open;
