-- case: bad
-- given: edited
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: error edited-migration(20250121120000_change)

-- case: good
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
