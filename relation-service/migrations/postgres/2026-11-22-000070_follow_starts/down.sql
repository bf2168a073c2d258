DROP TABLE follow_starts;
