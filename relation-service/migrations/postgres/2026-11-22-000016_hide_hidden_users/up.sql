-- Who is hidden already leaves the counters of others, like everybody who is hidden from now on.
INSERT INTO sweeps (user_id, kind) SELECT user_id, 3 FROM user_facts WHERE status <> 0;
