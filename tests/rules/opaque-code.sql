-- case: as its page shows it
-- migration
DO $$
BEGIN
    ALTER TABLE "Song" DROP COLUMN "artist";
END
$$;
-- expect: error opaque-code(DO 1)

-- case: the way out
-- migration
SELECT setval(pg_get_serial_sequence('"Song"', 'id'), (SELECT max("id") FROM "Song"));
GRANT SELECT ON "Song" TO "reporting";

-- case: a block that only adds
-- migration
DO $$ BEGIN PERFORM 1; END $$;
-- expect: warning opaque-code(DO 1)

-- case: a block that destroys
-- migration
DO $$ BEGIN EXECUTE 'drop table x'; END $$;
-- expect: error opaque-code(DO 1)

-- case: a deletion inside a query is a deletion
-- migration
WITH gone AS (DELETE FROM "Song" RETURNING *) SELECT count(*) FROM gone;
-- expect: error delete-without-where(Song)

-- case: an insertion inside an update is both
-- migration
BEGIN;
WITH fresh AS (INSERT INTO "Album" ("id", "name") SELECT DISTINCT "id", "title" FROM "Song" WHERE "title" <> '' RETURNING "id", "name")
UPDATE "Song" t SET "albumId" = fresh."id" FROM fresh WHERE t."title" = fresh."name";
COMMIT;
-- expect: warning overwritten-values(Song.albumId)
-- expect: info bulk-write(Song)
-- expect: info bulk-write(Song)

-- case: a project that has set the level gets no more than that
-- given: rule opaque-code warning
-- migration
DO $$ BEGIN EXECUTE 'drop table x'; END $$;
-- expect: warning opaque-code(DO 1)

-- case: a merge inside a query
-- migration
WITH merged AS (MERGE INTO "Song" s USING "Album" a ON s."albumId" = a."id" WHEN MATCHED THEN DELETE RETURNING s."id") SELECT count(*) FROM merged;
-- expect: error opaque-code(statement 1)

-- case: PostgreSQL's own functions
-- migration
SELECT jsonb_object_agg("id", string_to_array("title", ' ')) FROM "Song";

-- case: a function of the migration that is called like one of PostgreSQL's
-- migration
CREATE FUNCTION repeat(song int) RETURNS void LANGUAGE sql AS 'DELETE FROM "Song" WHERE id = song';
SELECT repeat(1);
-- expect: warning opaque-code(call 1)

-- case: a function that nobody knows, wherever it is called
-- migration
INSERT INTO "Album" ("id", "name") VALUES (unknown_id(), 'x');
ALTER TABLE "Album" ADD COLUMN "code" TEXT DEFAULT unknown_code();
CREATE INDEX "Album_name_idx" ON "Album" (unknown_key("name"));
CREATE TRIGGER touch BEFORE UPDATE ON "Album" FOR EACH ROW EXECUTE FUNCTION unknown_touch();
UPDATE "Album" SET "name" = 'y' WHERE "id" = 1;
-- expect: warning opaque-code(call 1)
-- expect: warning opaque-code(call 2)
-- expect: warning table-rewrite(Album.code)
-- expect: warning opaque-code(call 3)
-- expect: warning blocking-index(Album_name_idx)
-- expect: warning lock-held(Album)
-- expect: warning overwritten-values(Album.name)
-- expect: warning opaque-code(call 4)
-- expect: info bulk-write(Album)

-- case: functions that only compute
-- migration
CREATE FUNCTION short_id(size INT) RETURNS TEXT LANGUAGE plpgsql AS $$
BEGIN
  RETURN substr(md5(random()::text), 1, size);
END
$$;
INSERT INTO "Album" ("id", "name") VALUES (1, short_id(9));
ALTER TABLE "Album" ADD COLUMN "code" TEXT DEFAULT short_id(4), ADD COLUMN "public" TEXT DEFAULT nanoid();
-- expect: warning table-rewrite(Album.code)
-- expect: warning table-rewrite(Album.public)

-- case: a plan alone runs nothing
-- migration
EXPLAIN (ANALYZE false) DELETE FROM "Song";

-- case: it is run to be timed
-- migration
EXPLAIN (ANALYZE) DELETE FROM "Song";
-- expect: error opaque-code(statement 1)
