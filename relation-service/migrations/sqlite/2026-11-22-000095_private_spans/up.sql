-- Since when accounts are private, as far as this service was told while it ran: who follows one that was private by
-- then has been accepted. A row goes when the account goes public.
CREATE TABLE private_spans (
    user_id BIGINT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL              -- microseconds since 1970, in the order of the log
) WITHOUT ROWID;
