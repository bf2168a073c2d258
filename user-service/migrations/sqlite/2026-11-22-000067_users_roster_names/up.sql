-- The same by name, for the beginning of a name.
CREATE INDEX users_roster_names ON users (status, role, verified, username);
