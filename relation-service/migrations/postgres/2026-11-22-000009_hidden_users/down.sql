DROP INDEX hidden_users;
