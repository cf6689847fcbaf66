-- expect: error drop-table(U)
-- expect: warning drop-then-add(U)
CREATE TABLE "U" ("id" INTEGER NOT NULL, "fullName" TEXT NOT NULL, CONSTRAINT "U_pkey" PRIMARY KEY ("id"));
-- migration
-- DropTable
DROP TABLE "U";

-- CreateTable
CREATE TABLE "users" (
    "id" INTEGER NOT NULL,
    "fullName" TEXT NOT NULL,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);
