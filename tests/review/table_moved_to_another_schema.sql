-- expect: error drop-table(a.U)
-- expect: warning drop-then-add(a.U)
CREATE SCHEMA "a"; CREATE SCHEMA "b";
CREATE TABLE "a"."U" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL, "fullName" TEXT, CONSTRAINT "U_pkey" PRIMARY KEY ("id"));
-- migration
-- DropTable
DROP TABLE "a"."U";

-- CreateTable
CREATE TABLE "b"."U" (
    "id" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "fullName" TEXT,

    CONSTRAINT "U_pkey" PRIMARY KEY ("id")
);
