-- case: as its page shows it
-- migration
BEGIN;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: error uncommitted-transaction(BEGIN)

-- case: the way out
-- migration
BEGIN;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
COMMIT;
