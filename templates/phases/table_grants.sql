DO $phase$
DECLARE
  _table oid := '{{ new_table_literal }}'::regclass;
  _view oid := '{{ view_literal }}'::regclass;
  _each record;
BEGIN
  IF current_setting('server_version_num')::int >= 150000 THEN
    -- what everyone may do with the view they may do only as far as the table's own rights and policies let them
    ALTER VIEW {{ view }} SET (security_invoker = true);
    GRANT SELECT, INSERT, UPDATE, DELETE ON {{ view }} TO PUBLIC;
    RETURN;
  END IF;
  -- before PostgreSQL 15 the view asks the table with the rights of its owner: it has the table's owner, and its grants, column by column
  IF (SELECT c.relrowsecurity FROM pg_catalog.pg_class c WHERE c.oid = _table) THEN
    RAISE EXCEPTION '{{ table_words }} has row level security, which a view passes by before PostgreSQL 15';
  END IF;
  FOR _each IN
    SELECT pg_catalog.pg_get_userbyid(c.relowner) AS owner FROM pg_catalog.pg_class c
    WHERE c.oid = _table AND c.relowner <> (SELECT v.relowner FROM pg_catalog.pg_class v WHERE v.oid = _view)
  LOOP
    EXECUTE format('ALTER VIEW %s OWNER TO %I', _view::regclass, _each.owner);
  END LOOP;
  -- default privileges may have given more to a new view
  FOR _each IN
    SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role
    FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) AS a WHERE c.oid = _view AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', _view::regclass, _each.role);
  END LOOP;
  FOR _each IN
    SELECT a.privilege_type || coalesce(' (' || quote_ident(g.attname) || ')', '') AS privilege,
      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role,
      CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS more
    FROM (
      SELECT NULL::name AS attname, c.relacl AS acl FROM pg_catalog.pg_class c WHERE c.oid = _table
      UNION ALL
      SELECT t.attname, t.attacl FROM pg_catalog.pg_attribute t
      WHERE t.attrelid = _table AND t.attnum > 0 AND NOT t.attisdropped
    ) AS g, LATERAL pg_catalog.aclexplode(g.acl) AS a
    WHERE a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  LOOP
    EXECUTE format('GRANT %s ON %s TO %s%s', _each.privilege, _view::regclass, _each.role, _each.more);
  END LOOP;
END
$phase$;
