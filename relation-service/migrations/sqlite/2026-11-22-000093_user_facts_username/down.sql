DROP INDEX user_facts_username;
