DROP INDEX suspensions_until;
