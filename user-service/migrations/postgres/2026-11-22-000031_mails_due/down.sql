DROP INDEX mails_due;
