CREATE VIEW "Top" AS SELECT 1 AS "one";
-- migration
DROP VIEW "Top";
