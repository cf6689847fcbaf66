-- The guard of prisma-safe: schema changes of the guarded schemas pass only in a session that carries a deployment's token.
-- Runs in one transaction, after off.sql. Every function pins its search_path but guard_start, which has to see the caller's. Roles that
-- deploy may create objects in this schema, so every call of our functions has arguments of exactly their types.

CREATE TABLE _prisma_safe.guard_setting (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  schemas text[] NOT NULL,
  deployers text[] NOT NULL,
  applications text[] NOT NULL,
  tables text[] NOT NULL, -- '*' is every table
  database oid NOT NULL,
  system bigint, -- NULL where the role may not ask
  fingerprint text NOT NULL DEFAULT '',
  installed_by text NOT NULL DEFAULT session_user,
  installed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE _prisma_safe.guard_setting IS 'What the guard of prisma-safe protects; change it with prisma-safe guard on';

CREATE TABLE _prisma_safe.guard_token (
  hash bytea PRIMARY KEY, -- SHA-256 of the token and its plan: neither can be read here
  plan text NOT NULL,
  role text NOT NULL,
  issuer integer NOT NULL,
  issued_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  sessions integer NOT NULL, -- so many may use it; Prisma's engine opens more than one
  pids integer[] NOT NULL DEFAULT '{}',
  starts timestamptz[] NOT NULL DEFAULT '{}',
  used_at timestamptz
);

CREATE TABLE IF NOT EXISTS _prisma_safe.guard_journal (
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  role text NOT NULL DEFAULT session_user,
  event text NOT NULL,
  reason text,
  until timestamptz,
  closed_at timestamptz
);
COMMENT ON TABLE _prisma_safe.guard_journal IS 'When the guard of prisma-safe was switched or opened, by whom and why';

-- The guarded schemas; NULL where the guard sleeps: it was switched on for another database, and this one is a copy of it.
CREATE FUNCTION _prisma_safe.guard_schemas() RETURNS text[] LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  setting record;
BEGIN
  IF to_regclass('_prisma_safe.guard_setting') IS NULL OR to_regclass('_prisma_safe.guard_token') IS NULL
    OR to_regclass('_prisma_safe.guard_journal') IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT s.schemas, s.database, s.system INTO setting FROM _prisma_safe.guard_setting s;
  IF NOT FOUND OR setting.database <> (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) THEN
    RETURN NULL;
  END IF;
  IF setting.system IS NOT NULL AND setting.system <> (SELECT c.system_identifier FROM pg_control_system() c) THEN
    RETURN NULL;
  END IF;
  RETURN setting.schemas;
END
$body$;

-- The lock that the session which issued a token holds for as long as it lives.
CREATE FUNCTION _prisma_safe.guard_key(hash bytea) RETURNS bigint LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $body$
  SELECT ('x' || encode(substring($1 FROM 1 FOR 8), 'hex'))::bit(64)::bigint
$body$;

-- Why this session may not change the schema; NULL if it may. The first session that uses a token keeps it: with bind that is
-- written down, which DROP INDEX CONCURRENTLY allows only at its end.
CREATE FUNCTION _prisma_safe.guard_refusal(bind boolean) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  token text := current_setting('_prisma_safe.token', true);
  carried text := coalesce(current_setting('_prisma_safe.plan', true), '');
  own record;
  began timestamptz;
BEGIN
  IF EXISTS (SELECT FROM _prisma_safe.guard_journal j WHERE j.until > clock_timestamp() AND j.closed_at IS NULL) THEN
    RETURN NULL;
  END IF;
  IF coalesce(token, '') = '' THEN
    RETURN 'This session carries no token of a deployment.';
  END IF;
  SELECT t.* INTO own FROM _prisma_safe.guard_token t WHERE t.hash = sha256(convert_to(token || ':' || carried, 'UTF8'));
  IF NOT FOUND THEN
    RETURN 'The token of this session is unknown, or was issued for another plan.';
  END IF;
  IF own.role <> session_user THEN
    RETURN format('The token of this session was issued to the role %s.', own.role);
  END IF;
  SELECT s.backend_start INTO began FROM pg_stat_get_activity(pg_backend_pid()) s;
  IF EXISTS (SELECT FROM unnest(own.pids, own.starts) AS user_of (pid, start) WHERE pid = pg_backend_pid() AND start IS NOT DISTINCT FROM began) THEN
    RETURN NULL;
  END IF;
  IF cardinality(own.pids) >= own.sessions THEN
    RETURN 'The token of this session was used by another session; it is valid for one.';
  END IF;
  IF own.expires_at <= clock_timestamp() THEN
    RETURN 'The token of this session has expired.';
  END IF;
  -- a session that gets the lock learns that its holder is gone
  IF own.issuer <> pg_backend_pid() AND pg_try_advisory_xact_lock(_prisma_safe.guard_key(own.hash)) THEN
    RETURN 'The deployment that this token was issued to has ended.';
  END IF;
  IF bind THEN
    PERFORM FROM _prisma_safe.guard_token t WHERE t.hash = own.hash AND cardinality(t.pids) < t.sessions FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
      RETURN 'The token of this session was used by another session; it is valid for one.';
    END IF;
    UPDATE _prisma_safe.guard_token t SET pids = t.pids || pg_backend_pid(), starts = t.starts || began, used_at = clock_timestamp()
    WHERE t.hash = own.hash;
  END IF;
  RETURN NULL;
END
$body$;

CREATE FUNCTION _prisma_safe.guard_raise(what text, why text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'PSAFE',
    MESSAGE = format('prisma-safe guards this database and refused %s: use `prisma-safe migrate deploy` instead', what),
    DETAIL = format('%s Nothing was changed. The guard stops mistakes, not a superuser or the role %s, who can switch it off with `prisma-safe guard off`.',
      why, (SELECT s.installed_by FROM _prisma_safe.guard_setting s)),
    HINT = 'Deploy migrations with `prisma-safe migrate deploy`, run other SQL with `prisma-safe db execute --file FILE`. In an emergency open the guard for a while: `prisma-safe guard open --for 10m --reason "..."`.';
END
$body$;

-- Whether a text holds a name, as a word of its own.
CREATE FUNCTION _prisma_safe.guard_names(query text, name text) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $body$
  SELECT position(lower($2) IN lower($1)) > 0
    AND $1 ~* ('(^|[^[:alnum:]_$])' || regexp_replace($2, '([^[:alnum:]_])', '\\\1', 'g') || '([^[:alnum:]_$]|$)')
$body$;

-- The schema of the relation that a statement names; NULL if its text does not say.
CREATE FUNCTION _prisma_safe.guard_place(tag text, query text, path text[]) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  name text;
  relation regclass;
  place text;
  word CONSTANT text := '((?:"(?:[^"]|"")+"|[[:alpha:]_][\w$]*)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[[:alpha:]_][\w$]*))?)';
BEGIN
  name := (regexp_match(query, CASE
    WHEN tag = 'CREATE INDEX' THEN '\mon\s+(?:only\s+)?' || word
    WHEN tag ~ '^ALTER ' THEN '\malter\s+(?:materialized\s+)?(?:table|view|sequence)\s+(?:if\s+exists\s+)?(?:only\s+)?' || word
    ELSE '\mconcurrently\s+(?:if\s+exists\s+)?' || word END, 'i'))[1];
  IF name IS NULL THEN
    RETURN NULL;
  END IF;
  relation := to_regclass(name);
  FOREACH place IN ARRAY coalesce(path, '{}') LOOP
    EXIT WHEN relation IS NOT NULL OR name ~ '^("(?:[^"]|"")+"|[\w$]+)\s*\.';
    relation := to_regclass(format('%I.%s', place, name));
  END LOOP;
  RETURN (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation);
END
$body$;

-- Before a statement: refuses at once what is certain to change a guarded schema, so that it waits for no lock, and what would
-- be done before its end (CONCURRENTLY). What may be about temporary tables, other schemas or nothing at all is judged at its end.
CREATE FUNCTION _prisma_safe.guard_judge(tag text, path text[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  guarded text[] := _prisma_safe.guard_schemas();
  why text;
  query text := current_query();
  stack text;
  around text;
  concurrent boolean;
  leaves boolean;
BEGIN
  IF guarded IS NULL THEN
    RETURN;
  END IF;
  query := regexp_replace(left(query, 200000), '/\*.*?\*/|--[^\n]*', ' ', 'g');
  GET DIAGNOSTICS stack = PG_CONTEXT;
  -- what called the statement, if it is not the client itself
  around := substring(stack FROM 'guard_start\(\)[^\n]*\n(.*)$');
  -- what goes of the guard itself cannot be judged at the end, for then it is gone
  IF tag IN ('DROP SCHEMA', 'ALTER SCHEMA') AND coalesce(around, '') || query ~* '\m_prisma_safe\M'
    OR tag IN ('ALTER TABLE', 'DROP FUNCTION', 'DROP ROUTINE', 'DROP TABLE') AND coalesce(around, '') || query ~* '\m_prisma_safe\M.*\mguard_'
    OR tag = 'DROP OWNED' AND (
      SELECT _prisma_safe.guard_names(coalesce(around, '') || query, s.installed_by)
        OR s.installed_by = session_user AND query ~* '\m(current_user|session_user|current_role)\M'
      FROM _prisma_safe.guard_setting s) THEN
    PERFORM _prisma_safe.guard_raise(tag, 'The guard goes with `prisma-safe guard off`.'::text);
  END IF;
  IF tag IN ('DROP FUNCTION', 'DROP ROUTINE', 'DROP OWNED') THEN
    RETURN;
  END IF;
  why := _prisma_safe.guard_refusal(tag <> 'DROP INDEX');
  IF why IS NULL THEN
    RETURN;
  END IF;
  concurrent := query ~* '\mconcurrently\M' AND tag IN ('CREATE INDEX', 'DROP INDEX', 'ALTER TABLE');
  -- an object that leaves a guarded schema is in another one at the end
  leaves := tag ~ '^ALTER ' AND coalesce(around, '') || query ~* '\mset\s+schema\M';
  IF around IS NOT NULL AND NOT concurrent AND NOT leaves THEN
    IF tag = 'ALTER SCHEMA' AND EXISTS (SELECT FROM unnest(guarded) g WHERE _prisma_safe.guard_names(around || query, g)) THEN
      PERFORM _prisma_safe.guard_raise(tag, why);
    END IF;
    RETURN;
  END IF;
  IF tag IN ('ALTER SCHEMA', 'DROP SCHEMA') THEN
    IF NOT EXISTS (SELECT FROM unnest(guarded) g WHERE _prisma_safe.guard_names(query, g)) THEN
      RETURN;
    END IF;
  ELSIF leaves OR query ~* '\m(temp|temporary|pg_temp)\M'
    OR query ~* '\mif\s+(not\s+)?exists\M'
    OR coalesce(path[1] <> ALL (guarded), true)
    OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = pg_my_temp_schema() AND _prisma_safe.guard_names(query, c.relname::text))
    OR EXISTS (
      SELECT FROM pg_namespace n
      WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (guarded)
        AND _prisma_safe.guard_names(query, n.nspname::text)) THEN
    IF NOT (concurrent OR leaves) OR _prisma_safe.guard_place(tag, query, path) <> ALL (guarded) THEN
      RETURN;
    END IF;
  END IF;
  PERFORM _prisma_safe.guard_raise(tag, why);
END
$body$;

CREATE FUNCTION _prisma_safe.guard_start() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
  PERFORM _prisma_safe.guard_judge(tg_tag, pg_catalog.current_schemas(false)::pg_catalog.text[]);
END
$body$;

-- At the end of a statement: what was changed, by whichever way.
CREATE FUNCTION _prisma_safe.guard_end() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  guarded text[] := _prisma_safe.guard_schemas();
  changed text;
  why text;
BEGIN
  IF guarded IS NULL THEN
    RETURN;
  END IF;
  SELECT format('%s of %s', c.command_tag, c.object_identity) INTO changed FROM pg_event_trigger_ddl_commands() c
  -- rules, policies and triggers have no schema but their table's; a new partition or child adds its rows to its parent's
  LEFT JOIN pg_rewrite r ON c.classid = 'pg_rewrite'::regclass AND r.oid = c.objid
  LEFT JOIN pg_policy p ON c.classid = 'pg_policy'::regclass AND p.oid = c.objid
  LEFT JOIN pg_trigger g ON c.classid = 'pg_trigger'::regclass AND g.oid = c.objid
  LEFT JOIN pg_inherits i ON c.classid = 'pg_class'::regclass AND c.command_tag = 'CREATE TABLE' AND i.inhrelid = c.objid
  LEFT JOIN pg_class t ON t.oid = coalesce(r.ev_class, p.polrelid, g.tgrelid, i.inhparent)
  LEFT JOIN pg_namespace place ON place.oid = t.relnamespace
  WHERE NOT c.in_extension
    AND c.command_tag NOT IN ('COMMENT', 'GRANT', 'REVOKE', 'SECURITY LABEL', 'REFRESH MATERIALIZED VIEW', 'REINDEX',
      'ALTER DEFAULT PRIVILEGES', 'ALTER EXTENSION')
    AND (c.schema_name = ANY (guarded) OR place.nspname = ANY (guarded)
      OR c.object_type = 'schema' AND (SELECT n.nspname FROM pg_namespace n WHERE n.oid = c.objid) = ANY (guarded)
      OR c.object_type = 'extension' AND (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.oid = c.objid) = ANY (guarded))
  LIMIT 1;
  IF changed IS NULL THEN
    RETURN;
  END IF;
  why := _prisma_safe.guard_refusal(true);
  IF why IS NOT NULL THEN
    PERFORM _prisma_safe.guard_raise(changed, why);
  END IF;
END
$body$;

-- What a statement has dropped, CASCADE included. The guard itself goes with `guard off` only, which drops its event triggers first.
CREATE FUNCTION _prisma_safe.guard_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  guarded text[] := _prisma_safe.guard_schemas();
  dropped record;
  why text;
BEGIN
  IF guarded IS NULL THEN
    RETURN;
  END IF;
  SELECT d.object_type, d.object_identity, d.object_identity ~ '^_prisma_safe\.guard_' AS own INTO dropped
  FROM pg_event_trigger_dropped_objects() d
  WHERE NOT d.is_temporary
    -- those of a foreign key go with a table of another schema that refers to a guarded one
    AND NOT (d.object_type = 'trigger' AND d.object_identity ~ '^"RI_ConstraintTrigger_')
    -- older servers give the parts of a table no schema
    AND (coalesce(d.schema_name, CASE WHEN d.object_type IN ('rule', 'policy', 'trigger') THEN d.address_names[1] END) = ANY (guarded) OR d.object_type = 'schema' AND d.object_name = ANY (guarded)
      OR d.object_identity ~ '^_prisma_safe\.guard_')
  ORDER BY own DESC, d.original DESC LIMIT 1;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  why := CASE WHEN dropped.own THEN 'The guard goes with `prisma-safe guard off`.' ELSE _prisma_safe.guard_refusal(true) END;
  IF why IS NOT NULL THEN
    PERFORM _prisma_safe.guard_raise(format('%s of the %s %s', tg_tag, dropped.object_type, dropped.object_identity), why);
  END IF;
END
$body$;

-- Prisma writes into its history before it runs a migration: refused there, nothing is left to be resolved.
CREATE FUNCTION _prisma_safe.guard_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  why text;
BEGIN
  IF _prisma_safe.guard_schemas() IS NOT NULL THEN
    why := _prisma_safe.guard_refusal(true);
    IF why IS NOT NULL THEN
      PERFORM _prisma_safe.guard_raise(format('%s of the migration history', tg_op), why);
    END IF;
  END IF;
  RETURN NULL;
END
$body$;

-- TRUNCATE of a table, and DELETE that leaves it empty. A statement trigger does not see the condition; it sees what is left.
CREATE FUNCTION _prisma_safe.guard_rows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = off AS $body$
DECLARE
  setting CONSTANT text := format('_prisma_safe.rows_%s', tg_relid::oid);
  rows integer;
  why text;
BEGIN
  -- rows that go with those of another table are judged there
  IF _prisma_safe.guard_schemas() IS NULL OR tg_op = 'DELETE' AND pg_trigger_depth() > 1 THEN
    RETURN NULL;
  END IF;
  IF tg_op = 'DELETE' THEN
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT 2) t', tg_relid::regclass) INTO rows;
    IF tg_when = 'BEFORE' THEN
      PERFORM set_config(setting, rows::text, true);
      RETURN NULL;
    END IF;
    IF rows > 0 OR coalesce(current_setting(setting, true), '') IN ('', '0')
      OR current_setting(setting, true) = '1' AND current_query() ~* '\mwhere\M' THEN
      RETURN NULL;
    END IF;
  END IF;
  why := _prisma_safe.guard_refusal(false);
  IF why IS NOT NULL THEN
    PERFORM _prisma_safe.guard_raise(
      CASE tg_op WHEN 'DELETE' THEN format('a DELETE of every row of %s', tg_relid::regclass) ELSE format('TRUNCATE of %s', tg_relid::regclass) END, why);
  END IF;
  RETURN NULL;
END
$body$;

-- Gives the triggers to the tables that have to have them and do not; tells how many it made.
CREATE FUNCTION _prisma_safe.guard_cover() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  setting record;
  missing record;
  made integer := 0;
BEGIN
  SELECT s.*, CASE s.applications WHEN '{}' THEN '' ELSE format('WHEN (session_user <> ALL (%L::name[]))', s.applications) END AS condition
  INTO setting FROM _prisma_safe.guard_setting s;
  FOR missing IN
    SELECT c.oid::regclass AS place, w.name, w.events, CASE w.function WHEN 'guard_rows' THEN setting.condition ELSE '' END AS condition, w.function
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN (VALUES
      ('prisma_safe_guard_history', 'BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE', 'guard_history'),
      ('prisma_safe_guard_truncate', 'BEFORE TRUNCATE', 'guard_rows'),
      ('prisma_safe_guard_delete_1', 'BEFORE DELETE', 'guard_rows'),
      ('prisma_safe_guard_delete_2', 'AFTER DELETE', 'guard_rows')) w (name, events, function)
    WHERE n.nspname = ANY (setting.schemas) AND c.relkind IN ('r', 'p')
      AND CASE WHEN c.relname = '_prisma_migrations' THEN w.function = 'guard_history'
               ELSE w.function = 'guard_rows' AND ('*' = ANY (setting.tables) OR format('%I.%I', n.nspname, c.relname) = ANY (setting.tables)) END
      AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = w.name)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  LOOP
    EXECUTE format('CREATE TRIGGER %I %s ON %s FOR EACH STATEMENT %s EXECUTE FUNCTION _prisma_safe.%I()',
      missing.name, missing.events, missing.place, missing.condition, missing.function);
    made := made + 1;
  END LOOP;
  RETURN made;
END
$body$;

-- Writes a token down, by its hash. It is good for so many sessions, as long as this one lives, and until it expires.
CREATE FUNCTION _prisma_safe.guard_issue(hash bytea, plan text, seconds integer, sessions integer DEFAULT 1) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  DELETE FROM _prisma_safe.guard_token t WHERE t.hash IN (
    SELECT o.hash FROM _prisma_safe.guard_token o WHERE o.expires_at < clock_timestamp() - interval '30 days' FOR UPDATE SKIP LOCKED);
  INSERT INTO _prisma_safe.guard_token (hash, plan, role, issuer, issued_at, expires_at, sessions)
  VALUES ($1, $2, session_user, pg_backend_pid(), clock_timestamp(), clock_timestamp() + make_interval(secs => least($3, 86400)), least($4, 4));
  PERFORM pg_advisory_lock(_prisma_safe.guard_key($1));
END
$body$;

-- Lets everything pass for a while; gives the time when that ends.
CREATE FUNCTION _prisma_safe.guard_open(seconds integer, reason text) RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  ends CONSTANT timestamptz := clock_timestamp() + make_interval(secs => seconds);
BEGIN
  IF seconds NOT BETWEEN 1 AND 86400 OR coalesce(btrim(reason), '') = '' THEN
    RAISE EXCEPTION 'the guard opens for at most a day, and for a reason';
  END IF;
  INSERT INTO _prisma_safe.guard_journal (event, reason, until) VALUES ('open', reason, ends);
  RETURN ends;
END
$body$;

DO $rights$
DECLARE
  found record;
BEGIN
  -- the defaults of the database may have given rights to others
  FOR found IN
    SELECT format('FUNCTION %s', p.oid::regprocedure) AS name, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)::text) END AS role
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    WHERE n.nspname = '_prisma_safe' AND p.proname ~ '^guard_' AND a.grantee <> p.proowner
    UNION
    SELECT format('TABLE %s', c.oid::regclass), CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)::text) END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
    WHERE n.nspname = '_prisma_safe' AND c.relname ~ '^guard_' AND c.relkind = 'r' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', found.name, found.role);
  END LOOP;
END
$rights$;
