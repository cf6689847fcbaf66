-- case: restarted
-- migration
ALTER SEQUENCE "Song_id_seq" RESTART;
-- expect: warning sequence-position(Song_id_seq)

-- case: by a constant
-- migration
SELECT setval('"Song_id_seq"', 1000);
-- expect: warning sequence-position(Song_id_seq)

-- case: by the column that it counts
-- migration
SELECT setval(pg_get_serial_sequence('"Song"', 'id'), 1000);
-- expect: warning sequence-position(Song_id_seq)

-- case: from the rows
-- migration
SELECT setval('"Song_id_seq"', (SELECT max("id") FROM "Song"));

-- case: from the rows, in one query
-- migration
SELECT setval('"Song_id_seq"', max("id")) FROM "Song";

-- case: of an empty table
-- given: rows Song 0
-- migration
ALTER SEQUENCE "Song_id_seq" RESTART;

-- case: of the file's own
-- migration
CREATE SEQUENCE "ticket";
ALTER SEQUENCE "ticket" RESTART WITH 1000;

-- case: another property
-- migration
ALTER SEQUENCE "Song_id_seq" INCREMENT BY 2;
