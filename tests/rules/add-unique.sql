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

-- case: a new table that a query fills
-- migration
CREATE TABLE "Tag" ("name" TEXT NOT NULL);
INSERT INTO "Tag" SELECT "artist" FROM "Song";
CREATE UNIQUE INDEX "Tag_name_key" ON "Tag"("name");
-- expect: info bulk-write(Song)
-- expect: warning add-unique(Tag_name_key)
-- expect: info blocking-index(Tag_name_key)

-- case: a new table into which rows are written down
-- migration
CREATE TABLE "Tag" ("name" TEXT NOT NULL);
INSERT INTO "Tag" VALUES ('a'), ('b');
CREATE UNIQUE INDEX "Tag_name_key" ON "Tag"("name");

-- case: built CONCURRENTLY, nobody has looked
-- migration
CREATE UNIQUE INDEX CONCURRENTLY "Song_title_key" ON "Song"("title");
-- expect: info add-unique(Song_title_key)

-- case: built CONCURRENTLY over duplicates
-- given: rows Song 90; duplicates Song 3
-- migration
CREATE UNIQUE INDEX CONCURRENTLY "Song_title_key" ON "Song"("title");
-- expect: error add-unique(Song_title_key)
