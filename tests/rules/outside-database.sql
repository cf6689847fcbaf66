-- case: a program
-- migration
COPY "Song" FROM PROGRAM 'cat /tmp/songs';
-- expect: error outside-database(statement 1)

-- case: a file of the server
-- migration
COPY "Song" TO '/tmp/songs';
-- expect: error outside-database(statement 1)

-- case: another database
-- migration
SELECT dblink_exec('dbname=other', 'DELETE FROM x');
-- expect: error outside-database(statement 1)

-- case: the client's own input
-- migration
SELECT setval('"Song_isrc_seq"', (SELECT max("plays") FROM "Song"));
