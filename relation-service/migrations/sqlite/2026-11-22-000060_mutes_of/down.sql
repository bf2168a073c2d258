DROP INDEX mutes_of;
