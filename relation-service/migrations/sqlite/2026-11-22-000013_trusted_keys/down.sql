DROP TABLE trusted_keys;
