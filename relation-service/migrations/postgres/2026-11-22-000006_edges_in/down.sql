DROP TABLE edges_in;
