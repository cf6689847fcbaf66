-- case: as its page shows it
-- migration
CREATE INDEX CONCURRENTLY "Song_a_name_that_goes_on_and_on_until_nobody_can_remember_how_it_began_idx" ON "Song"("artist");
-- expect: warning long-identifier(Song_a_name_that_goes_on_and_on_until_nobody_can_remember_how_it_began_idx)

-- case: the way out
-- migration
CREATE INDEX CONCURRENTLY "Song_artist_idx" ON "Song"("artist");

-- case: a name that PostgreSQL makes
-- migration
CREATE TABLE "AVeryLongTableNameThatSomebodyLiked" ("aColumnWithALongNameAsWell" TEXT UNIQUE);
-- expect: warning long-identifier(AVeryLongTableNameThatSomebodyLiked_aColumnWithALongNameAsW_key)

-- case: a short one
-- migration
CREATE TABLE "T" ("c" TEXT UNIQUE);
