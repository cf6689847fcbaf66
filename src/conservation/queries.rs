//! What is asked about the objects of a database. Every query but [`GRANTS`] gives: object id, number within it, name, schema, parent's
//! object id (0: none), the parent's columns that it is about, what makes it equal to another one, and its facts in JSON.
//!
//! Each reads from `space`, the schemas that count; what belongs to an extension is the extension's. `$1` is our own schema, `$2`
//! Prisma's history table.

use super::Kind;

/// What every query starts with.
pub(super) const COMMON: &str = "
WITH space AS (
  SELECT oid, nspname FROM pg_catalog.pg_namespace
  WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND nspname !~ '^pg_(toast_)?temp_' AND nspname <> $1
), extension AS (
  SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), class AS (
  SELECT c.*, c.oid AS id, s.nspname FROM pg_catalog.pg_class c JOIN space s ON s.oid = c.relnamespace
  WHERE c.relname <> $2 AND c.relkind NOT IN ('i', 'I', 't')
    AND NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid)
)";

/// Parents stand before what belongs to them.
pub(super) const ALL: &[(Kind, &str)] = &[
    (
        Kind::Schema,
        "SELECT n.oid, 0, n.nspname::text, NULL::text, 0::oid, NULL::int2[], NULL::text, jsonb_build_object(
           'owner', pg_get_userbyid(n.nspowner), 'comment', obj_description(n.oid, 'pg_namespace'))::text
         FROM pg_catalog.pg_namespace n JOIN space s ON s.oid = n.oid
         WHERE NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_namespace'::regclass AND e.objid = n.oid)",
    ),
    (
        Kind::Extension,
        "SELECT x.oid, 0, x.extname::text, NULL::text, 0::oid, NULL::int2[], NULL::text, '{}' FROM pg_catalog.pg_extension x",
    ),
    (
        Kind::Table,
        "SELECT c.id, 0, c.relname::text, c.nspname::text, 0::oid, NULL::int2[], NULL::text, jsonb_build_object(
           'owner', pg_get_userbyid(c.relowner), 'comment', obj_description(c.id, 'pg_class'),
           'measured', CASE WHEN c.relkind = 'r' AND c.relpersistence <> 't' THEN 'rows' END,
           'foreign', CASE WHEN c.relkind = 'f' THEN 'foreign' END,
           'row security', CASE WHEN c.relforcerowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'enabled' END)::text
         FROM class c WHERE c.relkind IN ('r', 'p', 'f')",
    ),
    (
        Kind::Column,
        "SELECT c.id, a.attnum::int4, a.attname::text, c.nspname::text, c.id, NULL::int2[], NULL::text, jsonb_build_object(
           'comment', col_description(c.id, a.attnum), 'not null', CASE WHEN a.attnotnull THEN 'NOT NULL' END,
           'measured', CASE WHEN c.relkind = 'r' THEN 'values' END,
           'default', CASE WHEN a.attidentity <> '' THEN 'identity' WHEN a.attgenerated <> '' THEN 'generating expression'
             WHEN a.atthasdef THEN 'default' END)::text
         FROM class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.id AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p', 'f') AND NOT (c.relispartition AND a.attinhcount > 0)",
    ),
    (
        Kind::View,
        "SELECT c.id, 0, c.relname::text, c.nspname::text, 0::oid, NULL::int2[], NULL::text, jsonb_build_object(
           'owner', pg_get_userbyid(c.relowner), 'comment', obj_description(c.id, 'pg_class'))::text
         FROM class c WHERE c.relkind = 'v'",
    ),
    (
        Kind::MaterializedView,
        "SELECT c.id, 0, c.relname::text, c.nspname::text, 0::oid, NULL::int2[], NULL::text, jsonb_build_object(
           'owner', pg_get_userbyid(c.relowner), 'comment', obj_description(c.id, 'pg_class'),
           'rows', CASE WHEN c.relispopulated THEN 'populated' END)::text
         FROM class c WHERE c.relkind = 'm'",
    ),
    (
        Kind::Sequence,
        "SELECT c.id, 0, c.relname::text, c.nspname::text, coalesce(d.refobjid, 0::oid),
           CASE WHEN d.refobjid IS NOT NULL THEN ARRAY[d.refobjsubid::int2] END, NULL::text, jsonb_build_object(
           'owner', CASE WHEN d.refobjid IS NULL THEN pg_get_userbyid(c.relowner) END,
           'comment', obj_description(c.id, 'pg_class'), 'position', pg_sequence_last_value(c.id)::text,
           'increment', q.seqincrement::text)::text
         FROM class c JOIN pg_catalog.pg_sequence q ON q.seqrelid = c.id
         LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.id
           AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0",
    ),
    (
        Kind::Type,
        "SELECT t.oid, 0, t.typname::text, s.nspname::text, 0::oid, NULL::int2[], NULL::text, jsonb_build_object(
           'owner', pg_get_userbyid(t.typowner), 'comment', obj_description(t.oid, 'pg_type'))::text
         FROM pg_catalog.pg_type t JOIN space s ON s.oid = t.typnamespace LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
         WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c')
           AND NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)",
    ),
    (
        Kind::Label,
        "SELECT v.oid, 0, v.enumlabel::text, s.nspname::text, t.oid, NULL::int2[], NULL::text, '{}'
         FROM pg_catalog.pg_enum v JOIN pg_catalog.pg_type t ON t.oid = v.enumtypid JOIN space s ON s.oid = t.typnamespace
         WHERE NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)",
    ),
    (
        Kind::Constraint,
        "SELECT o.oid, 0, o.conname::text, c.nspname::text, c.id, o.conkey, pg_get_constraintdef(o.oid), jsonb_build_object(
           'state', CASE WHEN o.convalidated THEN 'valid' END, 'comment', obj_description(o.oid, 'pg_constraint'))::text
         FROM class c JOIN pg_catalog.pg_constraint o ON o.conrelid = c.id
         WHERE o.contype NOT IN ('n', 't') AND o.conparentid = 0 AND o.conislocal",
    ),
    (
        Kind::Index,
        "SELECT x.oid, 0, x.relname::text, c.nspname::text, c.id, i.indkey::int2[],
           regexp_replace(pg_get_indexdef(x.oid), '^CREATE (UNIQUE )?INDEX .*? ON (ONLY )?', 'CREATE \\1INDEX ON '),
           jsonb_build_object('unique', CASE WHEN i.indisunique THEN 'unique' END,
             'state', CASE WHEN i.indisvalid THEN 'valid' END, 'comment', obj_description(x.oid, 'pg_class'))::text
         FROM class c JOIN pg_catalog.pg_index i ON i.indrelid = c.id JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
         WHERE NOT x.relispartition AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_constraint o WHERE o.conindid = x.oid AND o.contype IN ('p', 'u', 'x'))",
    ),
    (
        Kind::Function,
        "SELECT p.oid, 0, format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), s.nspname::text, 0::oid,
           NULL::int2[], NULL::text, jsonb_build_object(
           'owner', pg_get_userbyid(p.proowner), 'comment', obj_description(p.oid, 'pg_proc'),
           'definition', CASE WHEN p.prokind <> 'a' AND to_jsonb(p) ->> 'prosqlbody' IS NULL
             THEN md5(pg_get_functiondef(p.oid)) END)::text
         FROM pg_catalog.pg_proc p JOIN space s ON s.oid = p.pronamespace
         WHERE NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid)
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
             WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')",
    ),
    (
        Kind::Trigger,
        "SELECT g.oid, 0, g.tgname::text, c.nspname::text, c.id, NULL::int2[], NULL::text, jsonb_build_object(
           'state', CASE g.tgenabled WHEN 'O' THEN 'enabled' WHEN 'A' THEN 'enabled' END,
           'comment', obj_description(g.oid, 'pg_trigger'))::text
         FROM class c JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.id
         WHERE NOT g.tgisinternal AND g.tgname !~ '^prisma_safe_guard_' AND coalesce(to_jsonb(g) ->> 'tgparentid', '0') = '0'",
    ),
    (
        Kind::Rule,
        "SELECT r.oid, 0, r.rulename::text, c.nspname::text, c.id, NULL::int2[], NULL::text, jsonb_build_object(
           'state', CASE r.ev_enabled WHEN 'O' THEN 'enabled' WHEN 'A' THEN 'enabled' END)::text
         FROM class c JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.id WHERE r.rulename <> '_RETURN'",
    ),
    (
        Kind::Policy,
        "SELECT p.oid, 0, p.polname::text, c.nspname::text, c.id, NULL::int2[], NULL::text, '{}'
         FROM class c JOIN pg_catalog.pg_policy p ON p.polrelid = c.id",
    ),
    (
        Kind::Publication,
        "SELECT b.oid, 0, b.pubname::text, NULL::text, 0::oid, NULL::int2[], NULL::text, '{}' FROM pg_catalog.pg_publication b",
    ),
    (
        Kind::Published,
        "SELECT r.oid, 0, b.pubname::text, c.nspname::text, c.id, NULL::int2[], NULL::text, '{}'
         FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication b ON b.oid = r.prpubid JOIN class c ON c.id = r.prrelid",
    ),
    (
        Kind::Statistics,
        "SELECT x.oid, 0, x.stxname::text, c.nspname::text, c.id, x.stxkeys::int2[], NULL::text, '{}'
         FROM pg_catalog.pg_statistic_ext x JOIN class c ON c.id = x.stxrelid",
    ),
    (
        Kind::EventTrigger,
        "SELECT g.oid, 0, g.evtname::text, NULL::text, 0::oid, NULL::int2[], NULL::text, jsonb_build_object(
           'state', CASE g.evtenabled WHEN 'O' THEN 'enabled' WHEN 'A' THEN 'enabled' END)::text
         FROM pg_catalog.pg_event_trigger g
         WHERE g.evtname !~ '^prisma_safe_guard_' AND NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_event_trigger'::regclass AND e.objid = g.oid)",
    ),
    (
        // the first 16 MiB of what this role may read: there is no reading more than 1 GB in one piece
        Kind::LargeObject,
        "SELECT m.oid, 0, format('large object %s', m.oid), NULL::text, 0::oid, NULL::int2[], NULL::text, jsonb_build_object(
           'contents', CASE WHEN pg_has_role(m.lomowner, 'USAGE') THEN md5(lo_get(m.oid, 0, 16777216)) END)::text
         FROM pg_catalog.pg_largeobject_metadata m",
    ),
    (
        Kind::DefaultPrivileges,
        "SELECT d.oid, 0, format('default privileges of %s%s on %s', pg_get_userbyid(d.defaclrole),
             coalesce(' in ' || n.nspname, ''), CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
             WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END),
           NULL::text, 0::oid, NULL::int2[], NULL::text, '{}'
         FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace",
    ),
];

/// The rights that others than the owner have: kind as in [`Kind`], object id, number within it, the right in words.
pub(super) const GRANTS: &str = "
, acl(kind, id, number, owner, items) AS (
  SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materializedView' WHEN 'S' THEN 'sequence' ELSE 'table' END, c.id, 0,
    c.relowner, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner))
  FROM class c WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
  UNION ALL
  SELECT 'column', c.id, a.attnum::int4, c.relowner, a.attacl
  FROM class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.id WHERE a.attacl IS NOT NULL AND c.relkind IN ('r', 'p', 'f')
  UNION ALL
  SELECT 'schema', n.oid, 0, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner))
  FROM pg_catalog.pg_namespace n JOIN space s ON s.oid = n.oid
  UNION ALL
  SELECT 'function', p.oid, 0, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
  FROM pg_catalog.pg_proc p JOIN space s ON s.oid = p.pronamespace
  UNION ALL
  SELECT 'type', t.oid, 0, t.typowner, coalesce(t.typacl, acldefault('T', t.typowner))
  FROM pg_catalog.pg_type t JOIN space s ON s.oid = t.typnamespace
  UNION ALL
  SELECT 'defaultPrivileges', d.oid, 0, 0::oid, d.defaclacl FROM pg_catalog.pg_default_acl d
)
SELECT acl.kind, acl.id, acl.number, format('%s to %s%s', x.privilege_type,
  CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text END,
  CASE WHEN x.is_grantable THEN ' with grant option' ELSE '' END)
FROM acl CROSS JOIN LATERAL aclexplode(acl.items) x WHERE x.grantee <> acl.owner";
