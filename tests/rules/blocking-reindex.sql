-- case: as its page shows it
-- migration
REINDEX TABLE "Song";
-- expect: warning blocking-reindex(Song)

-- case: the way out
-- migration
REINDEX TABLE CONCURRENTLY "Song";
