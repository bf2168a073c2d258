DROP TABLE two_factors;
