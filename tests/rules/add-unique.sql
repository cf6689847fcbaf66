-- case: as its page shows it
-- migration
CREATE UNIQUE INDEX "Song_title_key" ON "Song"("title");
-- expect: warning add-unique(Song_title_key)
-- expect: warning blocking-index(Song_title_key)

-- case: the way out
-- before
CREATE UNIQUE INDEX "Song_title_key" ON "Song"("title");
-- migration
CREATE UNIQUE INDEX "Song_title_artist_key" ON "Song"("title", "artist");
-- expect: warning blocking-index(Song_title_artist_key)

-- case: duplicates
-- given: rows Song 900; duplicates Song 2
-- migration
CREATE UNIQUE INDEX "Song_title_key" ON "Song"("title");
-- expect: error add-unique(Song_title_key)

-- case: none
-- given: rows Song 900; duplicates Song 0
-- migration
CREATE UNIQUE INDEX "Song_title_key" ON "Song"("title");

-- case: a new optional column
-- given: rows Song 900
-- migration
ALTER TABLE "Song" ADD COLUMN "isrc" TEXT;
CREATE UNIQUE INDEX "Song_isrc_key" ON "Song"("isrc");

-- case: a new table
-- migration
CREATE TABLE "T" ("a" TEXT);
CREATE UNIQUE INDEX "T_a_key" ON "T"("a");
