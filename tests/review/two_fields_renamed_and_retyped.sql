-- expect: error drop-column(T.a)
-- expect: warning drop-then-add(T)
-- expect: error drop-column(T.b)
-- expect: error required-column(T.x)
-- expect: warning table-rewrite(T.c)
CREATE TABLE "T" ("id" SERIAL NOT NULL, "a" TEXT NOT NULL, "b" INTEGER, "c" INTEGER NOT NULL, CONSTRAINT "T_pkey" PRIMARY KEY ("id"));
CREATE INDEX "T_c_idx" ON "T"("c");
-- migration
-- AlterTable
ALTER TABLE "T" DROP COLUMN "a",
DROP COLUMN "b",
ADD COLUMN     "x" TEXT NOT NULL,
ADD COLUMN     "y" INTEGER,
ALTER COLUMN "c" SET DATA TYPE BIGINT;

-- RenameIndex
ALTER INDEX "T_c_idx" RENAME TO "c_idx";
