DROP TABLE private_spans;
