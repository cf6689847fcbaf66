-- case: bad
-- before
CREATE INDEX "Song_artist_idx" ON "Song"("artist");
-- migration
DROP INDEX "Song_artist_idx";
-- expect: info blocking-index-drop(Song_artist_idx)

-- case: good
-- before
CREATE INDEX "Song_artist_idx" ON "Song"("artist");
-- migration
DROP INDEX CONCURRENTLY "Song_artist_idx";
