DROP INDEX mail_tokens_expiry;
