DELETE FROM sweeps WHERE kind = 3;
