-- case: as its page shows it
-- migration
ALTER TABLE "Song" DETACH PARTITION "Song_2020";
-- expect: error detached-rows(Song_2020)
-- expect: warning blocking-detach(Song_2020)

-- case: the way out
-- migration
ALTER TABLE "Song" DETACH PARTITION "Song_2020" CONCURRENTLY;
-- expect: error detached-rows(Song_2020)
