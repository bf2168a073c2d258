-- Who has dismissed a person: what the deletion of an account removes.
CREATE INDEX dismissals_of ON dismissals (target);
