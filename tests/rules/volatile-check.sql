-- case: the clock
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "c" CHECK ("createdAt" < CURRENT_TIMESTAMP) NOT VALID;
-- expect: warning volatile-check(c)

-- case: in a new table
-- migration
CREATE TABLE "T" ("at" TIMESTAMP(3) NOT NULL CHECK ("at" > now()));
-- expect: warning volatile-check(T)

-- case: a constant
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "c" CHECK ("plays" >= 0) NOT VALID;

-- case: a default may change
-- migration
ALTER TABLE "Song" ADD COLUMN "at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;
