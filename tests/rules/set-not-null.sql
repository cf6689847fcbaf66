-- case: bad
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;
-- expect: warning set-not-null(Song.artist)

-- case: good
-- before
ALTER TABLE "Song" ADD CONSTRAINT "Song_artist_present" CHECK ("artist" IS NOT NULL) NOT VALID;
ALTER TABLE "Song" VALIDATE CONSTRAINT "Song_artist_present";
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;
