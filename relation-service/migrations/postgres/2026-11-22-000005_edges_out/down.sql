DROP TABLE edges_out;
