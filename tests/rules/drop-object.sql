-- case: bad
-- before
CREATE VIEW "Top" AS SELECT 1 AS "one";
-- migration
DROP VIEW "Top";
-- expect: warning drop-object(Top)

-- case: good
-- before
CREATE VIEW "Top" AS SELECT 1 AS "one";
-- migration
DROP VIEW "Top";
CREATE VIEW "Top" AS SELECT 2 AS "one";
