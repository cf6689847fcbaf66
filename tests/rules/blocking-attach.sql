-- case: rows of unknown number
-- before
CREATE TABLE "P" ("id" INTEGER NOT NULL);
-- migration
ALTER TABLE "Q" ATTACH PARTITION "P" FOR VALUES IN (1);
-- expect: warning blocking-attach(P)

-- case: a new partition
-- migration
CREATE TABLE "P" ("id" INTEGER NOT NULL);
ALTER TABLE "Q" ATTACH PARTITION "P" FOR VALUES IN (1);

-- case: an empty one
-- given: rows P 0
-- before
CREATE TABLE "P" ("id" INTEGER NOT NULL);
-- migration
ALTER TABLE "Q" ATTACH PARTITION "P" FOR VALUES IN (1);
