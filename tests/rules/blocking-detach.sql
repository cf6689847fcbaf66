-- case: bad
-- migration
ALTER TABLE "Song" DETACH PARTITION "Song_2020";
-- expect: warning blocking-detach(Song_2020)

-- case: good
-- migration
ALTER TABLE "Song" DETACH PARTITION "Song_2020" CONCURRENTLY;
