-- case: bad
-- migration
CREATE INDEX "Song_artist_idx" ON "Song"("artist");
-- expect: warning blocking-index(Song_artist_idx)

-- case: good
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL);
CREATE INDEX "Tag_name_idx" ON "Tag"("name");
