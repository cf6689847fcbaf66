-- Takes the guard of prisma-safe out of a database; its journal stays. Event triggers first: then nothing stands in the way.
DROP EVENT TRIGGER IF EXISTS prisma_safe_guard_start;
DROP EVENT TRIGGER IF EXISTS prisma_safe_guard_end;
DROP EVENT TRIGGER IF EXISTS prisma_safe_guard_drop;
DO $off$
DECLARE
  found record;
BEGIN
  FOR found IN
    SELECT g.tgname, g.tgrelid::regclass AS place FROM pg_catalog.pg_trigger g
    WHERE g.tgname ~ '^prisma_safe_guard_' AND NOT g.tgisinternal
  LOOP
    EXECUTE pg_catalog.format('DROP TRIGGER IF EXISTS %I ON %s', found.tgname, found.place);
  END LOOP;
  FOR found IN
    SELECT p.oid::regprocedure AS name FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = '_prisma_safe' AND p.proname ~ '^guard_'
  LOOP
    EXECUTE pg_catalog.format('DROP FUNCTION %s', found.name);
  END LOOP;
END
$off$;
DROP TABLE IF EXISTS _prisma_safe.guard_setting, _prisma_safe.guard_token;
