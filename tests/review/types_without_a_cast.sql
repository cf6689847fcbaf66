-- expect: error required-column(U.d)
-- expect: error drop-column(U.a)
-- expect: warning drop-then-add(U.a)
-- expect: error required-column(U.a)
-- expect: error drop-column(U.b)
-- expect: warning drop-then-add(U.b)
-- expect: warning set-not-null(U.c)
CREATE TABLE "U" ("id" INTEGER NOT NULL, "a" TEXT NOT NULL, "b" TEXT, "c" TEXT, CONSTRAINT "U_pkey" PRIMARY KEY ("id"));
-- migration
-- AlterTable
ALTER TABLE "U" ADD COLUMN     "d" TEXT NOT NULL,
DROP COLUMN "a",
ADD COLUMN     "a" INTEGER NOT NULL,
DROP COLUMN "b",
ADD COLUMN     "b" BOOLEAN,
ALTER COLUMN "c" SET NOT NULL;
