-- case: as its page shows it
-- before
CREATE VIEW "Top" AS SELECT 1 AS "one";
-- migration
DROP VIEW "Top";
-- expect: warning drop-object(Top)

-- case: the way out
-- before
CREATE VIEW "Top" AS SELECT 1 AS "one";
-- migration
DROP VIEW "Top";
CREATE VIEW "Top" AS SELECT 2 AS "one";

-- case: a function
-- migration
DROP FUNCTION IF EXISTS "f"(integer);
-- expect: warning drop-object(f)

-- case: a function is replaced
-- migration
DROP FUNCTION "f"();
CREATE FUNCTION "f"() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;

-- case: an extension
-- migration
DROP EXTENSION "citext";
-- expect: warning drop-object(citext)

-- case: a type that nothing uses
-- before
CREATE TYPE "Kind" AS ENUM ('A');
-- migration
DROP TYPE "Kind";
