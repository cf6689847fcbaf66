-- case: as its page shows it
-- migration
LOCK TABLE "Song" IN ACCESS EXCLUSIVE MODE;
-- expect: warning blocking-statement(LOCK TABLE)

-- case: the way out
-- migration
REFRESH MATERIALIZED VIEW CONCURRENTLY "Top";
