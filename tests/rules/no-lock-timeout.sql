-- case: as its page shows it
-- given: plain
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: info no-lock-timeout(20250121120000_change)

-- case: with a limit
-- given: plain
-- migration
SET lock_timeout = '4s';
ALTER TABLE "Song" ADD COLUMN "label" TEXT;

-- case: prisma-safe deploys
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;

-- case: nothing is locked that is there
-- given: plain
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL, CONSTRAINT "Tag_pkey" PRIMARY KEY ("id"));
ALTER TABLE "Tag" ADD COLUMN "name" TEXT;
