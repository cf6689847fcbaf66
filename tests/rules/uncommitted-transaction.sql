-- case: bad
-- migration
BEGIN;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: error uncommitted-transaction(BEGIN)

-- case: good
-- migration
BEGIN;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
COMMIT;
