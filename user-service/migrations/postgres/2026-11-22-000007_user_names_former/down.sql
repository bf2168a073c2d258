DROP INDEX user_names_former;
