-- case: as its page shows it
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
COMMIT;
ALTER TABLE "Song" ADD COLUMN "year" INTEGER;
-- expect: warning unpaired-transaction(COMMIT)

-- case: the way out
-- migration
BEGIN;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
COMMIT;
BEGIN;
ALTER TABLE "Song" ADD COLUMN "year" INTEGER;
COMMIT;

-- case: a BEGIN inside a transaction, whose end is taken for the whole
-- migration
BEGIN;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
BEGIN;
ALTER TABLE "Song" ADD COLUMN "year" INTEGER;
COMMIT;
ALTER TABLE "Song" ADD COLUMN "key" TEXT;
COMMIT;
-- expect: warning unpaired-transaction(BEGIN)
-- expect: warning unpaired-transaction(COMMIT)

-- case: with modes
-- migration
BEGIN ISOLATION LEVEL SERIALIZABLE;
START TRANSACTION;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
END;
-- expect: warning unpaired-transaction(BEGIN)

-- case: what stands before it is committed, and said once
-- given: prisma 6.19; rows User 100; duplicates User 0
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
COMMIT;
CREATE UNIQUE INDEX "User_name_key" ON "User"("name");
-- expect: warning unpaired-transaction(COMMIT)

-- case: everything is taken back
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
ROLLBACK;
-- expect: error unpaired-transaction(ROLLBACK)

-- case: savepoints
-- migration
SAVEPOINT a;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
ROLLBACK TO SAVEPOINT a;
