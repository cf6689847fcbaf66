-- case: bad
-- migration
CREATE INDEX CONCURRENTLY "Song_a_name_that_goes_on_and_on_until_nobody_can_remember_how_it_began_idx" ON "Song"("artist");
-- expect: warning long-identifier(Song_a_name_that_goes_on_and_on_until_nobody_can_remember_how_it_began_idx)

-- case: good
-- migration
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");
