DROP INDEX notes_of;
