DROP INDEX user_names_quarantine;
