DROP TABLE shadows;
