-- Whose a look is: no two people have names that look alike. Apart from user_names because one person may hold two
-- names of one look (renamed from adm1rer to admirer), and because uniqueness is per shard of the key.
CREATE TABLE name_skeletons (
    skeleton TEXT   NOT NULL PRIMARY KEY,
    user_id  BIGINT NOT NULL
);
