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

-- case: taken away from a sequence
-- migration
REVOKE USAGE ON SEQUENCE "Song_id_seq" FROM "app";
-- expect: warning access-change(Song_id_seq)

-- case: taken away from everything in a schema
-- migration
REVOKE ALL ON ALL SEQUENCES IN SCHEMA "public" FROM "app";
-- expect: warning access-change(public)

-- case: taken away from several
-- migration
REVOKE SELECT ("a", "b"), UPDATE ON "Song", other."Log" FROM "app";
-- expect: warning access-change(Song)
-- expect: warning access-change(other.Log)

-- case: a function and a schema
-- migration
REVOKE EXECUTE ON FUNCTION fare(integer, text), "Twice"() FROM PUBLIC;
GRANT ALL ON SCHEMA "public" TO "app";
-- expect: warning access-change(fare)
-- expect: warning access-change(Twice)
-- expect: warning access-change(public)

-- case: another owner
-- migration
ALTER TABLE "Song" OWNER TO "admin";
-- expect: warning access-change(Song)

-- case: a new table gets its owner
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL);
ALTER TABLE "Tag" OWNER TO "admin";
