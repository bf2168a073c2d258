DROP INDEX events_about;
