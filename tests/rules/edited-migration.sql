-- case: as its page shows it
-- given: edited
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: error edited-migration(20250121120000_change)

-- case: the way out
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
