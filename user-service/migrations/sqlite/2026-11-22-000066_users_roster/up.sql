-- People by what moderators look for, oldest first. The three first columns have 24 combinations at the most, and each
-- filter is a few of them: a page is merged from so many ranges, none of which is read beyond the page.
CREATE INDEX users_roster ON users (status, role, verified, created_at, id);
