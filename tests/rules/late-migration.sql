-- case: older than what is applied
-- given: late
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: warning late-migration(20250121120000_change)

-- case: accepted
-- given: late
-- migration
-- prisma-safe:allow late-migration(20250121120000_change): both orders give the same
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: warning late-migration(20250121120000_change) accepted

-- case: newest
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
