-- case: everybody
-- migration
GRANT SELECT ON "Song" TO PUBLIC;
-- expect: warning access-change(Song)

-- case: a named right for a named role
-- migration
GRANT SELECT, INSERT ON "Song" TO "app";

-- case: taken away
-- migration
REVOKE INSERT ON TABLE "Song" FROM "app";
-- expect: warning access-change(Song)

-- case: another owner
-- migration
ALTER TABLE "Song" OWNER TO "admin";
-- expect: warning access-change(Song)

-- case: a new table gets its owner
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL);
ALTER TABLE "Tag" OWNER TO "admin";
