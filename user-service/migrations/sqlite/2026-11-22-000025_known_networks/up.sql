-- WITHOUT ROWID: the rows live in the primary key's tree itself, so that a look-up reads one tree and not two.
-- From which networks a person has signed in, so that strangers who guess at the password elsewhere do not lock the
-- owner out. The user id comes first in the key: one person's rows are looked up, counted and removed together.
CREATE TABLE known_networks (
    user_id BIGINT NOT NULL,
    -- A keyed hash of the person and the network, which cannot be read from it.
    network TEXT   NOT NULL,
    -- When last, to within a day (epoch microseconds).
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, network)
) WITHOUT ROWID;
