DROP TABLE close_friends;
