DROP INDEX users_roster;
