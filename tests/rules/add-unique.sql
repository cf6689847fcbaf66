-- case: bad
-- migration
CREATE UNIQUE INDEX "Song_title_key" ON "Song"("title");
-- expect: warning add-unique(Song_title_key)
-- expect: warning blocking-index(Song_title_key)

-- case: good
-- before
CREATE UNIQUE INDEX "Song_title_key" ON "Song"("title");
-- migration
CREATE UNIQUE INDEX "Song_title_artist_key" ON "Song"("title", "artist");
-- expect: warning blocking-index(Song_title_artist_key)
