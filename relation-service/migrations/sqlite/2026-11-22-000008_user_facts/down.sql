DROP TABLE user_facts;
