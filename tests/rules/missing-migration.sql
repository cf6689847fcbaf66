-- case: as its page shows it
-- given: missing
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: warning missing-migration(20250121120000_change)

-- case: the way out
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
