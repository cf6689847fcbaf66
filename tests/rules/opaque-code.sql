-- case: bad
-- migration
DO $$
BEGIN
    ALTER TABLE "Song" DROP COLUMN "artist";
END
$$;
-- expect: error opaque-code(DO 1)

-- case: good
-- migration
SELECT setval(pg_get_serial_sequence('"Song"', 'id'), 100);
GRANT SELECT ON "Song" TO "reporting";
