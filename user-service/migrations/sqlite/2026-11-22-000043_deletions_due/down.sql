DROP INDEX deletions_due;
