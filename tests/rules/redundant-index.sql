-- case: a prefix
-- migration
CREATE TABLE "T" ("a" TEXT, "b" TEXT, CONSTRAINT "T_pkey" PRIMARY KEY ("a","b"));
CREATE INDEX "T_a_idx" ON "T"("a");
-- expect: info redundant-index(T_a_idx)

-- case: the other column
-- migration
CREATE TABLE "T" ("a" TEXT, "b" TEXT, CONSTRAINT "T_pkey" PRIMARY KEY ("a","b"));
CREATE INDEX "T_b_idx" ON "T"("b");

-- case: another order
-- migration
CREATE TABLE "T" ("a" TEXT, "b" TEXT);
CREATE INDEX "T_a_idx" ON "T"("a" DESC);
CREATE INDEX "T_a_b_idx" ON "T"("a", "b");
