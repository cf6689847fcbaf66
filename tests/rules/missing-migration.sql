-- case: bad
-- given: missing
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: warning missing-migration(20250121120000_change)

-- case: good
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
