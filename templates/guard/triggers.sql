-- Last: from here on the guard stands.
CREATE EVENT TRIGGER prisma_safe_guard_start ON ddl_command_start
  WHEN tag IN ('ALTER SCHEMA', 'ALTER TABLE', 'ALTER TYPE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER SEQUENCE', 'ALTER FUNCTION',
    'ALTER DOMAIN', 'CREATE INDEX', 'CREATE TRIGGER', 'DROP FUNCTION', 'DROP INDEX', 'DROP MATERIALIZED VIEW', 'DROP OWNED', 'DROP ROUTINE', 'DROP SCHEMA',
    'DROP SEQUENCE', 'DROP TABLE', 'DROP TRIGGER', 'DROP TYPE', 'DROP VIEW')
  EXECUTE FUNCTION _prisma_safe.guard_start();
CREATE EVENT TRIGGER prisma_safe_guard_end ON ddl_command_end EXECUTE FUNCTION _prisma_safe.guard_end();
CREATE EVENT TRIGGER prisma_safe_guard_drop ON sql_drop EXECUTE FUNCTION _prisma_safe.guard_drop();
-- also for sessions that play replica
ALTER EVENT TRIGGER prisma_safe_guard_start ENABLE ALWAYS;
ALTER EVENT TRIGGER prisma_safe_guard_end ENABLE ALWAYS;
ALTER EVENT TRIGGER prisma_safe_guard_drop ENABLE ALWAYS;
