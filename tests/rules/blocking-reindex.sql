-- case: bad
-- migration
REINDEX TABLE "Song";
-- expect: warning blocking-reindex(Song)

-- case: good
-- migration
REINDEX TABLE CONCURRENTLY "Song";
