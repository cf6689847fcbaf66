-- case: as its page shows it
-- migration
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: error concurrently-in-transaction(Song_artist_idx)

-- case: the way out
-- migration
-- builds while writes go on
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");

-- case: two of them
-- migration
CREATE INDEX CONCURRENTLY "a" ON "Song"("artist");
DROP INDEX CONCURRENTLY "Song_albumId_idx";
-- expect: error concurrently-in-transaction(a)
-- expect: error concurrently-in-transaction(Song_albumId_idx)

-- case: between BEGIN and COMMIT
-- migration
BEGIN;
CREATE INDEX CONCURRENTLY "a" ON "Song"("artist");
COMMIT;
-- expect: error concurrently-in-transaction(a)
