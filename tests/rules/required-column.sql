-- case: bad
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT NOT NULL;
-- expect: error required-column(Song.label)

-- case: good
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT NOT NULL DEFAULT '';
