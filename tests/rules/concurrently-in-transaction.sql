-- case: bad
-- migration
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: error concurrently-in-transaction(Song_artist_idx)

-- case: good
-- migration
-- builds while writes go on
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");
