DROP INDEX events_telling;
