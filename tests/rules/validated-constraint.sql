-- case: bad
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_plays_check" CHECK ("plays" >= 0);
-- expect: warning validated-constraint(Song_plays_check)

-- case: good
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_plays_check" CHECK ("plays" >= 0) NOT VALID;
