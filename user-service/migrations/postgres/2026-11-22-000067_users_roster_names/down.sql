DROP INDEX users_roster_names;
