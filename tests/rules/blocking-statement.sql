-- case: bad
-- migration
LOCK TABLE "Song" IN ACCESS EXCLUSIVE MODE;
-- expect: warning blocking-statement(LOCK TABLE)

-- case: good
-- migration
REFRESH MATERIALIZED VIEW CONCURRENTLY "Top";
