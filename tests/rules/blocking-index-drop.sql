-- case: as its page shows it
-- before
CREATE INDEX "Song_artist_idx" ON "Song"("artist");
-- migration
DROP INDEX "Song_artist_idx";
-- expect: info blocking-index-drop(Song_artist_idx)

-- case: the way out
-- before
CREATE INDEX "Song_artist_idx" ON "Song"("artist");
-- migration
DROP INDEX CONCURRENTLY "Song_artist_idx";
