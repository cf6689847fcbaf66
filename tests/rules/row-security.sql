-- case: without a policy
-- migration
ALTER TABLE "Song" ENABLE ROW LEVEL SECURITY;
-- expect: warning row-security(Song)

-- case: with its policy
-- migration
CREATE POLICY "p" ON "public"."Song" USING (true);
ALTER TABLE "Song" ENABLE ROW LEVEL SECURITY;

-- case: turned off
-- migration
ALTER TABLE "Song" DISABLE ROW LEVEL SECURITY;
-- expect: warning row-security(Song)

-- case: a policy goes
-- migration
DROP POLICY "p" ON "Song";
-- expect: warning row-security(Song)

-- case: a new table
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL);
ALTER TABLE "Tag" ENABLE ROW LEVEL SECURITY;
