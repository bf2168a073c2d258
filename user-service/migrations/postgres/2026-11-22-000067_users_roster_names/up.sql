-- The same by name, for the beginning of a name. Names are compared by bytes, as SQLite does, whatever the
-- language of the server.
CREATE INDEX users_roster_names ON users (status, role, verified, username COLLATE "C");
