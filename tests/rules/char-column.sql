-- case: turned on
-- given: rule char-column on
-- migration
CREATE TABLE "T" ("id" SERIAL NOT NULL, "n" INTEGER NOT NULL, "code" CHAR(2), "name" VARCHAR(9), "at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, CONSTRAINT "T_pkey" PRIMARY KEY ("id"));
-- expect: info char-column(T.code)

-- case: off, as Prisma writes it
-- migration
CREATE TABLE "T" ("id" SERIAL NOT NULL, "n" INTEGER NOT NULL, "code" CHAR(2), "name" VARCHAR(9), "at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, CONSTRAINT "T_pkey" PRIMARY KEY ("id"));

-- case: the other way
-- given: rule char-column on
-- migration
CREATE TABLE "T" ("code" TEXT NOT NULL);
