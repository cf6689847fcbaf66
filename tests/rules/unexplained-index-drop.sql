-- case: a partial index
-- given: rows Song 100
-- before
CREATE UNIQUE INDEX "Song_popular_key" ON "Song"("title") WHERE "plays" > 1000;
-- migration
DROP INDEX "Song_popular_key";
-- expect: warning unexplained-index-drop(Song_popular_key)

-- case: an index on an expression
-- given: rows Song 100
-- before
CREATE INDEX "Song_lower_idx" ON "Song"(lower("title"));
-- migration
DROP INDEX "Song_lower_idx";
-- expect: warning unexplained-index-drop(Song_lower_idx)

-- case: an index of the schema
-- given: rows Song 100
-- migration
DROP INDEX "Song_albumId_idx";

-- case: it only gets another name
-- given: rows Song 100
-- before
CREATE INDEX "Song_popular_idx" ON "Song"("title") WHERE "plays" > 1000;
-- migration
DROP INDEX "Song_popular_idx";
CREATE INDEX "Song_loved_idx" ON "Song"("title") WHERE "plays" > 1000;

-- case: an index that the schema of before does not declare
-- given: rows Song 100; deployed
-- before
CREATE INDEX "Song_plays_idx" ON "Song"("plays");
-- migration
DROP INDEX "Song_plays_idx";
-- expect: warning unexplained-index-drop(Song_plays_idx)

-- case: one that it declares
-- given: rows Song 100; deployed
-- before
ALTER TABLE "Song" DROP CONSTRAINT "Song_albumId_fkey";
-- migration
DROP INDEX "Song_albumId_idx";
