DROP TABLE user_names;
