-- case: as its page shows it
-- migration
REINDEX TABLE "Song";
-- expect: warning blocking-reindex(Song)

-- case: the way out
-- migration
REINDEX TABLE CONCURRENTLY "Song";

-- case: an option that is off is not given
-- migration
REINDEX (VERBOSE, CONCURRENTLY false) TABLE "Song";
-- expect: warning blocking-reindex(Song)

-- case: an option that is on
-- migration
REINDEX (CONCURRENTLY on) TABLE "Song";
