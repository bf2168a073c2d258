-- What a person (user_id) has noted about another, for themselves alone. No row for an empty note.
CREATE TABLE notes (
    user_id BIGINT NOT NULL,
    target BIGINT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (user_id, target)
);
