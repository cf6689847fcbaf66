-- case: a function that mentions a renamed column breaks, a view follows
-- given: dependent function Song.artist touch; dependent view Song.artist names
-- migration
ALTER TABLE "Song" RENAME COLUMN "artist" TO "artist_name";
-- expect: warning breaking-rename(Song.artist)
-- expect: warning dependent-object(Song.artist)
-- expect: info dependent-object(Song.artist)

-- case: what stands in the way of a drop
-- given: values Song.artist 0; dependent policy Song.artist own
-- migration
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error dependent-object(Song.artist)
-- expect: warning drop-column(Song.artist)

-- case: what the migration itself replaces
-- given: dependent function Song.artist touch
-- migration
ALTER TABLE "Song" RENAME COLUMN "artist" TO "artist_name";
CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
-- expect: warning breaking-rename(Song.artist)

-- case: nothing depends on it
-- given: online
-- migration
ALTER TABLE "Song" RENAME COLUMN "artist" TO "artist_name";
-- expect: warning breaking-rename(Song.artist)

-- case: a type that a view, a policy and a trigger use
-- given: rows Song 100; dependent view Song.artist names; dependent policy Song.artist own; dependent trigger Song.artist watch; dependent function Song.artist touch
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" TYPE TEXT;
-- expect: error dependent-object(Song.artist)
-- expect: error dependent-object(Song.artist)
-- expect: error dependent-object(Song.artist)
