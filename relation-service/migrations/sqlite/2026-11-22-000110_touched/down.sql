DROP TABLE touched;
