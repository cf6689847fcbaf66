-- case: bad
-- migration
DROP DATABASE "music";
-- expect: error drop-database(music)

-- case: good
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
