-- case: as its page shows it
-- migration
CREATE INDEX "Song_artist_idx" ON "Song"("artist");
-- expect: warning blocking-index(Song_artist_idx)

-- case: the way out
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL);
CREATE INDEX "Tag_name_idx" ON "Tag"("name");

-- case: a small table
-- given: rows Song 900
-- migration
CREATE INDEX "i" ON "Song"("artist");

-- case: a large one
-- given: rows Song 900000
-- migration
CREATE INDEX "i" ON "Song"("artist");
-- expect: warning blocking-index(i)

-- case: beyond the budget
-- given: rows Song 90000000
-- migration
CREATE INDEX "i" ON "Song"("artist");
-- expect: error blocking-index(i)

-- case: lowered by a setting
-- given: rows Song 90000000; rule blocking-index info
-- migration
CREATE INDEX "i" ON "Song"("artist");
-- expect: info blocking-index(i)

-- case: off
-- given: rule blocking-index off
-- migration
CREATE INDEX "i" ON "Song"("artist");

-- case: concurrently
-- migration
CREATE INDEX CONCURRENTLY "i" ON "Song"("artist");
