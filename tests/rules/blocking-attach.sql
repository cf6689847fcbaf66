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

-- case: a new one that the file fills
-- before
CREATE TABLE "fare" ("day" DATE NOT NULL) PARTITION BY RANGE ("day");
-- migration
CREATE TABLE "fare_2026" (LIKE "fare" INCLUDING DEFAULTS);
INSERT INTO "fare_2026" SELECT * FROM "fare" WHERE day >= '2026-01-01';
CREATE INDEX "fare_2026_day_idx" ON "fare_2026"(day);
ALTER TABLE "fare" ATTACH PARTITION "fare_2026" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
-- expect: info bulk-write(fare)
-- expect: info blocking-index(fare_2026_day_idx)
-- expect: warning blocking-attach(fare_2026)

-- case: one that it fills and checks
-- before
CREATE TABLE "fare" ("day" DATE NOT NULL) PARTITION BY RANGE ("day");
-- migration
CREATE TABLE "fare_2026" ("day" DATE NOT NULL, CHECK ("day" >= '2026-01-01' AND "day" < '2027-01-01'));
INSERT INTO "fare_2026" SELECT * FROM "fare" WHERE day >= '2026-01-01';
ALTER TABLE "fare" ATTACH PARTITION "fare_2026" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
-- expect: info bulk-write(fare)

-- case: an empty one beside a default partition with rows
-- given: default fare fare_rest; rows fare_rest 900000
-- before
CREATE TABLE "fare" ("day" DATE NOT NULL) PARTITION BY RANGE ("day");
CREATE TABLE "fare_rest" PARTITION OF "fare" DEFAULT;
-- migration
CREATE TABLE "fare_2026" ("day" DATE NOT NULL);
ALTER TABLE "fare" ATTACH PARTITION "fare_2026" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
-- expect: warning blocking-attach(fare_2026)

-- case: one that is made in place, beside a large default partition
-- given: default fare fare_rest; rows fare_rest 90000000
-- before
CREATE TABLE "fare" ("day" DATE NOT NULL) PARTITION BY RANGE ("day");
CREATE TABLE "fare_rest" PARTITION OF "fare" DEFAULT;
-- migration
CREATE TABLE "fare_2026" PARTITION OF "fare" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
-- expect: error blocking-attach(fare_2026)

-- case: one that is made in place, beside an empty default partition
-- given: default fare fare_rest; rows fare_rest 0
-- before
CREATE TABLE "fare" ("day" DATE NOT NULL) PARTITION BY RANGE ("day");
CREATE TABLE "fare_rest" PARTITION OF "fare" DEFAULT;
-- migration
CREATE TABLE "fare_2026" PARTITION OF "fare" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');

-- case: one that is made in place, and nothing tells of a default partition
-- before
CREATE TABLE "fare" ("day" DATE NOT NULL) PARTITION BY RANGE ("day");
-- migration
CREATE TABLE "fare_2026" PARTITION OF "fare" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
-- expect: info blocking-attach(fare_2026)
