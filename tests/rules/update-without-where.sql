-- case: as its page shows it
-- migration
UPDATE "Song" SET "artist" = 'unknown';
-- expect: error update-without-where(Song.artist)

-- case: some rows
-- given: rows Song 200
-- migration
UPDATE "Song" SET "artist" = 'unknown' WHERE "artist" IS NULL;

-- case: computed from itself
-- given: rows Song 90; values Song.plays 90
-- migration
UPDATE "Song" SET "plays" = "plays" + 1;
-- expect: warning update-without-where(Song.plays)

-- case: a condition that says nothing
-- migration
UPDATE "Song" SET "artist" = 'x' WHERE 1 = 1;
-- expect: error update-without-where(Song.artist)

-- case: a column of this migration
-- given: rows Song 90
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
UPDATE "Song" SET "label" = "title";
