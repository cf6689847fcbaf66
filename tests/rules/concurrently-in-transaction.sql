-- case: as its page shows it
-- migration
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: warning concurrently-in-transaction(Song_artist_idx)

-- case: the way out
-- migration
-- builds while writes go on
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");

-- case: two of them
-- migration
CREATE INDEX CONCURRENTLY "a" ON "Song"("artist");
DROP INDEX CONCURRENTLY "Song_albumId_idx";
-- expect: info concurrently-in-transaction(a)
-- expect: info concurrently-in-transaction(Song_albumId_idx)

-- case: two that are built, with a Prisma that takes the file apart
-- given: prisma 7.10
-- migration
CREATE INDEX CONCURRENTLY "a" ON "Song"("artist");
CREATE INDEX CONCURRENTLY "b" ON "Song"("title");

-- case: a timeout before it, with a Prisma that takes the file apart
-- given: prisma 7.10
-- migration
SET lock_timeout = '4s';
CREATE INDEX CONCURRENTLY "a" ON "Song"("artist");

-- case: a timeout before it, with a Prisma that does not
-- given: prisma 6.19
-- migration
SET lock_timeout = '4s';
CREATE INDEX CONCURRENTLY "a" ON "Song"("artist");
-- expect: error concurrently-in-transaction(a)

-- case: accepted there
-- given: prisma 6.19
-- migration
-- prisma-safe:allow concurrently-in-transaction(a): only prisma-safe deploys here
SET lock_timeout = '4s';
CREATE INDEX CONCURRENTLY "a" ON "Song"("artist");
-- expect: error concurrently-in-transaction(a) accepted

-- case: between BEGIN and COMMIT
-- given: prisma 7.10
-- migration
BEGIN;
CREATE INDEX CONCURRENTLY "a" ON "Song"("artist");
COMMIT;
-- expect: error concurrently-in-transaction(a)

-- case: between BEGIN and COMMIT no line helps
-- given: prisma 7.10
-- migration
-- prisma-safe:allow concurrently-in-transaction(a): it has to be
BEGIN;
CREATE INDEX CONCURRENTLY "a" ON "Song"("artist");
COMMIT;
-- expect: error malformed-acceptance(concurrently-in-transaction(a))
-- expect: error concurrently-in-transaction(a)
