-- case: as its page shows it
-- migration
DROP DATABASE "music";
-- expect: error drop-database(music)

-- case: the way out
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
