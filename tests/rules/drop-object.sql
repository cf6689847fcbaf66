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

-- case: a trigger
-- migration
DROP TRIGGER IF EXISTS "touch" ON "Song";
-- expect: warning drop-object(touch)

-- case: a trigger that is made anew
-- migration
DROP TRIGGER "touch" ON "Song";
CREATE TRIGGER "touch" BEFORE UPDATE ON "Song" FOR EACH ROW EXECUTE FUNCTION f();
