-- case: turned on
-- given: rule not-idempotent on
-- migration
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");
-- expect: info not-idempotent(Song_artist_idx)

-- case: off, as Prisma writes it
-- migration
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");

-- case: the other way
-- given: rule not-idempotent on
-- migration
ALTER TABLE "Song" ADD COLUMN IF NOT EXISTS "label" TEXT;
