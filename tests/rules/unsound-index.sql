-- case: a left-over index would be kept
-- migration
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Song_artist_idx" ON "Song"("artist");
-- expect: info unsound-index(Song_artist_idx)

-- case: the target has a left-over index
-- given: invalid Song_artist_idx
-- migration
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");
-- expect: warning unsound-index(Song_artist_idx)

-- case: the target has a left-over index, and this statement fails on it
-- given: invalid Song_artist_idx
-- migration
CREATE INDEX "Song_artist_idx" ON "Song"("artist");
-- expect: error unsound-index(Song_artist_idx)
-- expect: warning blocking-index(Song_artist_idx)

-- case: the target has none
-- given: online
-- migration
CREATE INDEX CONCURRENTLY IF NOT EXISTS "Song_artist_idx" ON "Song"("artist");

-- case: a server that corrupts
-- given: server 140002
-- migration
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");
-- expect: error unsound-index(Song_artist_idx)

-- case: a server that was mended
-- given: server 140004
-- migration
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");
