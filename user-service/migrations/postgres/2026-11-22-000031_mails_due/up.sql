-- What the mailer asks every second: which mails something is to be done about, the oldest first.
CREATE INDEX mails_due ON mails (due_at);
