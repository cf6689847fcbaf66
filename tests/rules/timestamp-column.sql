-- case: turned on
-- given: rule timestamp-column on
-- migration
CREATE TABLE "T" ("id" SERIAL NOT NULL, "n" INTEGER NOT NULL, "code" CHAR(2), "name" VARCHAR(9), "at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, CONSTRAINT "T_pkey" PRIMARY KEY ("id"));
-- expect: info timestamp-column(T.at)

-- case: off, as Prisma writes it
-- migration
CREATE TABLE "T" ("id" SERIAL NOT NULL, "n" INTEGER NOT NULL, "code" CHAR(2), "name" VARCHAR(9), "at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, CONSTRAINT "T_pkey" PRIMARY KEY ("id"));

-- case: the other way
-- given: rule timestamp-column on
-- migration
CREATE TABLE "T" ("at" TIMESTAMPTZ(3) NOT NULL);
