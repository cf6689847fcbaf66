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

-- case: a deletion inside a query
-- migration
WITH gone AS (DELETE FROM "Song" RETURNING *) SELECT count(*) FROM gone;
-- expect: error opaque-code(statement 1)
