DROP INDEX dismissals_of;
