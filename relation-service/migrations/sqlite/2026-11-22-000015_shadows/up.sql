-- How far the edges of hidden people have been taken out of the counters of others: an edge counts unless it
-- stands at or before these places. A row is there from the first step of hiding to the last of returning.
-- Few rows, asked about by every act: on Citus a reference table.
CREATE TABLE shadows (
    user_id BIGINT NOT NULL PRIMARY KEY,
    -- A key of edges_in below the person's id; state 0 is before all of them, state 3 after all that count.
    in_state SMALLINT NOT NULL,
    in_neg_since BIGINT NOT NULL,
    in_source BIGINT NOT NULL,
    -- A key of edges_out below the person's id.
    out_target BIGINT NOT NULL
) WITHOUT ROWID;
