DROP TABLE dismissals;
