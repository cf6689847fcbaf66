-- case: as its page shows it
-- migration
LOCK TABLE "Song" IN ACCESS EXCLUSIVE MODE;
-- expect: warning blocking-statement(LOCK TABLE)

-- case: the way out
-- migration
REFRESH MATERIALIZED VIEW CONCURRENTLY "Top";

-- case: in full, in either spelling
-- migration
VACUUM FULL "Song";
-- expect: warning blocking-statement(VACUUM FULL)

-- case: in full, as an option
-- migration
VACUUM (FULL, ANALYZE) "Song";
-- expect: warning blocking-statement(VACUUM)

-- case: an option that is off is not given, and a name is no option
-- migration
VACUUM (FULL false) "Song";

-- case: a table of this name
-- migration
VACUUM "full_songs";
