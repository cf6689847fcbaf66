//! What is asked of the server's catalog. The first column is the object's name, the others are the parts of its
//! definition, named as the differences call them. `$1` are schemas and `$2` tables that are left out.
//!
//! Each query reads from `space` (the schemas that count) and `class` (their tables, views, indexes and sequences).

use super::Kind;

/// What every query starts with. Views and tables of an extension are the extension's.
const COMMON: &str = "
WITH space AS (
  SELECT oid, nspname FROM pg_catalog.pg_namespace
  WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND nspname !~ '^pg_(toast_)?temp_'
    AND nspname <> ALL ($1)
), extension AS (
  SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), class AS (
  SELECT c.*, c.oid AS id, format('%I.%I', s.nspname, c.relname) AS name
  FROM pg_catalog.pg_class c JOIN space s ON s.oid = c.relnamespace
  WHERE c.relname <> ALL ($2)
    AND NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid)
)";

/// A query of [`ALL`] with what every query starts with.
pub(super) fn complete(query: &str) -> String {
    format!("{COMMON}\n{query}")
}

/// By kind.
pub(super) const ALL: &[(Kind, &str)] = &[
    (Kind::Schema, SCHEMAS),
    (Kind::Extension, EXTENSIONS),
    (Kind::Enum, ENUMS),
    (Kind::Domain, DOMAINS),
    (Kind::Type, TYPES),
    (Kind::Sequence, SEQUENCES),
    (Kind::Table, TABLES),
    (Kind::Column, COLUMNS),
    (Kind::Constraint, CONSTRAINTS),
    (Kind::Index, INDEXES),
    (Kind::View, VIEWS),
    (Kind::MaterializedView, MATERIALIZED_VIEWS),
    (Kind::Function, FUNCTIONS),
    (Kind::Trigger, TRIGGERS),
    (Kind::Rule, RULES),
    (Kind::Policy, POLICIES),
    (Kind::Publication, PUBLICATIONS),
    (Kind::Statistics, STATISTICS),
];

/// The session's own path.
pub(super) const OWN_PATH: &str = "
SELECT set_config('search_path', reset_val, true) FROM pg_catalog.pg_settings WHERE name = 'search_path'";

/// Relations that are there and are not read: an extension's, and those that are left out.
pub(super) const UNREAD: &str = "
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'
  AND NOT EXISTS (SELECT FROM class WHERE class.id = c.oid)";

/// Columns of tables that inherit, from those alone; a partition's are its own.
pub(super) const INHERITED: &str = "
SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname)
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND NOT c.relispartition AND c.relkind IN ('r', 'f')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount > 0 AND NOT a.attislocal";

/// Each sequence with where it stands at its start, and the last number that it has given out, as far as this role may know.
pub(super) const POSITIONS: &str = "
SELECT c.id, c.name, q.seqstart - q.seqincrement,
  CASE WHEN has_sequence_privilege(c.id, 'SELECT, USAGE') THEN pg_sequence_last_value(c.id) END
FROM class c JOIN pg_catalog.pg_sequence q ON q.seqrelid = c.id";

/// Functions of extensions that are declared not to write; one that is called like another of the database's is not among them.
pub(super) const HARMLESS: &str = "
SELECT lower(p.proname)
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
GROUP BY lower(p.proname) HAVING bool_and(p.provolatile <> 'v')";

/// Casts and operators whose functions neither PostgreSQL nor an extension brings, as statements.
pub(super) const OPERATORS: &str = "
WITH own AS (
  SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
)
SELECT format('CREATE CAST (%s AS %s) WITH FUNCTION %s', format_type(k.castsource, NULL), format_type(k.casttarget, NULL), k.castfunc::regproc)
FROM pg_catalog.pg_cast k JOIN own ON own.oid = k.castfunc
UNION ALL
SELECT format('CREATE OPERATOR %s (FUNCTION = %s)', o.oprname, o.oprcode::regproc)
FROM pg_catalog.pg_operator o JOIN own ON own.oid = o.oprcode";

const SCHEMAS: &str = "
SELECT quote_ident(nspname), obj_description(oid, 'pg_namespace') AS \"comment\"
FROM space WHERE NOT EXISTS (
  SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_namespace'::regclass AND e.objid = space.oid)";

const EXTENSIONS: &str = "
SELECT quote_ident(x.extname), x.extversion AS \"version\", quote_ident(n.nspname) AS \"schema\"
FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname <> 'plpgsql'";

const ENUMS: &str = "
SELECT format('%I.%I', s.nspname, t.typname),
  (SELECT string_agg(quote_literal(v.enumlabel), ', ' ORDER BY v.enumsortorder)
   FROM pg_catalog.pg_enum v WHERE v.enumtypid = t.oid) AS \"values\",
  obj_description(t.oid, 'pg_type') AS \"comment\"
FROM pg_catalog.pg_type t JOIN space s ON s.oid = t.typnamespace
WHERE t.typtype = 'e' AND NOT EXISTS (
  SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)";

const DOMAINS: &str = "
SELECT format('%I.%I', s.nspname, t.typname), format_type(t.typbasetype, t.typtypmod) AS \"type\",
  CASE WHEN t.typnotnull THEN 'NOT NULL' ELSE 'NULL' END AS \"nullability\", t.typdefault AS \"default\",
  (SELECT string_agg(format('CONSTRAINT %I %s', o.conname, pg_get_constraintdef(o.oid)), ' ' ORDER BY o.conname)
   FROM pg_catalog.pg_constraint o WHERE o.contypid = t.oid AND o.contype = 'c') AS \"constraints\",
  obj_description(t.oid, 'pg_type') AS \"comment\"
FROM pg_catalog.pg_type t JOIN space s ON s.oid = t.typnamespace
WHERE t.typtype = 'd' AND NOT EXISTS (
  SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)";

const TYPES: &str = "
SELECT format('%I.%I', s.nspname, t.typname),
  CASE t.typtype
    WHEN 'c' THEN (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
                   FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
    ELSE (SELECT format('range of %s', format_type(r.rngsubtype, NULL)) FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)
  END AS \"definition\",
  obj_description(t.oid, 'pg_type') AS \"comment\"
FROM pg_catalog.pg_type t JOIN space s ON s.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
WHERE (t.typtype = 'r' OR t.typtype = 'c' AND c.relkind = 'c') AND NOT EXISTS (
  SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)";

const SEQUENCES: &str = "
SELECT c.name, format_type(q.seqtypid, NULL) AS \"type\", q.seqstart::text AS \"start\", q.seqincrement::text AS \"increment\",
  q.seqmin::text AS \"minimum\", q.seqmax::text AS \"maximum\", q.seqcache::text AS \"cache\", q.seqcycle::text AS \"cycle\",
  (SELECT format('%I.%I.%I', n.nspname, t.relname, a.attname)
   FROM pg_catalog.pg_depend d
   JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
   JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
   JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
   WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.id
     AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')) AS \"owner\",
  obj_description(c.id, 'pg_class') AS \"comment\"
FROM class c JOIN pg_catalog.pg_sequence q ON q.seqrelid = c.id";

const TABLES: &str = "
SELECT c.name,
  CASE c.relkind WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign' END AS \"kind\",
  CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS \"persistence\",
  CASE WHEN c.relforcerowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'enabled' END AS \"row security\",
  nullif(c.relreplident::text, 'd') AS \"replica identity\",
  array_to_string(c.reloptions, ', ') AS \"storage options\",
  (SELECT string_agg('toast.' || o, ', ') FROM pg_catalog.pg_class w, unnest(w.reloptions) o WHERE w.oid = c.reltoastrelid) AS \"toast options\",
  pg_get_partkeydef(c.id) AS \"partition key\",
  pg_get_expr(c.relpartbound, c.id) AS \"partition bound\",
  (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
   FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.id) AS \"parents\",
  obj_description(c.id, 'pg_class') AS \"comment\"
FROM class c WHERE c.relkind IN ('r', 'p', 'f')";

// a NOT NULL of PostgreSQL 18 can be not valid; its name says nothing: it does not follow a rename
const COLUMNS: &str = "
SELECT format('%s.%I', c.name, a.attname), format_type(a.atttypid, a.atttypmod) AS \"type\",
  CASE WHEN NOT a.attnotnull THEN 'NULL' WHEN EXISTS (
    SELECT FROM pg_catalog.pg_constraint o
    WHERE o.conrelid = c.id AND o.contype = 'n' AND o.conkey = ARRAY[a.attnum] AND NOT o.convalidated
  ) THEN 'NOT NULL NOT VALID' ELSE 'NOT NULL' END AS \"nullability\",
  CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS \"default\",
  CASE a.attidentity WHEN 'a' THEN 'GENERATED ALWAYS' WHEN 'd' THEN 'GENERATED BY DEFAULT' END AS \"identity\",
  CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END AS \"generating expression\",
  CASE a.attgenerated WHEN 'v' THEN 'VIRTUAL' END AS \"generation\",
  CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END AS \"collation\",
  CASE WHEN a.attstorage <> t.typstorage THEN (
    SELECT format('%s (its type: %s)', w->>a.attstorage::text, w->>t.typstorage::text)
    FROM CAST('{\"p\": \"PLAIN\", \"e\": \"EXTERNAL\", \"m\": \"MAIN\", \"x\": \"EXTENDED\"}' AS json) w
  ) END AS \"storage\",
  -- PostgreSQL before 14 has no such column: the name is that of `lacking` there
  CASE WHEN a.attlen = -1 THEN (
    SELECT CASE attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END
    FROM pg_catalog.pg_attribute x WHERE x.attrelid = a.attrelid AND x.attnum = a.attnum
  ) END AS \"compression\",
  CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END AS \"statistics target\",
  array_to_string(a.attoptions, ', ') AS \"options\",
  col_description(c.id, a.attnum) AS \"comment\"
FROM class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.id AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.id AND d.adnum = a.attnum
CROSS JOIN (SELECT NULL::\"char\" AS attcompression) AS lacking
WHERE c.relkind IN ('r', 'p', 'f')
ORDER BY c.name COLLATE \"C\", a.attnum";

// NOT NULL counts as the column's nullability, a constraint trigger as a trigger; a foreign key to a partitioned table comes with
// one to each partition
const CONSTRAINTS: &str = "
SELECT format('%s.%I', c.name, o.conname), pg_get_constraintdef(o.oid) AS \"definition\",
  CASE WHEN o.convalidated THEN 'valid' ELSE 'not valid' END AS \"state\",
  obj_description(o.oid, 'pg_constraint') AS \"comment\"
FROM class c JOIN pg_catalog.pg_constraint o ON o.conrelid = c.id
WHERE o.contype NOT IN ('n', 't') AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_constraint p WHERE p.oid = o.conparentid AND p.conrelid = o.conrelid)";

const INDEXES: &str = "
SELECT c.name, pg_get_indexdef(c.id) AS \"definition\",
  CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN 'valid' ELSE 'invalid' END AS \"state\",
  CASE WHEN i.indisclustered THEN 'clustered' END AS \"cluster\",
  CASE WHEN i.indisreplident THEN 'replica identity' END AS \"replica identity\",
  CASE WHEN i.indexprs IS NOT NULL THEN (
    SELECT jsonb_object_agg(a.attnum, a.attstattarget::text)::text FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = c.id AND a.attstattarget >= 0
  ) END AS \"statistics targets\",
  obj_description(c.id, 'pg_class') AS \"comment\"
FROM class c
JOIN pg_catalog.pg_index i ON i.indexrelid = c.id
JOIN class t ON t.id = i.indrelid";

/// What is said of the columns of a view: the views' own, since these columns are no objects here.
macro_rules! column_comments {
    () => {
        "
  (SELECT jsonb_object_agg(quote_ident(a.attname), col_description(c.id, a.attnum))::text FROM pg_catalog.pg_attribute a
   WHERE a.attrelid = c.id AND a.attnum > 0 AND col_description(c.id, a.attnum) IS NOT NULL) AS \"column comments\",
"
    };
}

const VIEWS: &str = concat!(
    "
SELECT c.name, pg_get_viewdef(c.id) AS \"definition\", array_to_string(c.reloptions, ', ') AS \"options\",
  (SELECT jsonb_object_agg(quote_ident(a.attname), pg_get_expr(d.adbin, d.adrelid))::text
   FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
   WHERE d.adrelid = c.id) AS \"column defaults\",
",
    column_comments!(),
    "  obj_description(c.id, 'pg_class') AS \"comment\"
FROM class c WHERE c.relkind = 'v'"
);

const MATERIALIZED_VIEWS: &str = concat!(
    "
SELECT c.name, pg_get_viewdef(c.id) AS \"definition\", array_to_string(c.reloptions, ', ') AS \"options\",
  CASE WHEN c.relispopulated THEN 'populated' ELSE 'not populated' END AS \"state\",
",
    column_comments!(),
    "  obj_description(c.id, 'pg_class') AS \"comment\"
FROM class c WHERE c.relkind = 'm'"
);

const FUNCTIONS: &str = "
SELECT format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
  CASE WHEN p.prokind = 'a' THEN (
    SELECT format('aggregate of %s over %s, from %s, final %s', pg_get_function_result(p.oid), a.aggtransfn, a.agginitval, a.aggfinalfn)
    FROM pg_catalog.pg_aggregate a WHERE a.aggfnoid = p.oid
  ) ELSE pg_get_functiondef(p.oid) END AS \"definition\",
  obj_description(p.oid, 'pg_proc') AS \"comment\"
FROM pg_catalog.pg_proc p JOIN space s ON s.oid = p.pronamespace
WHERE NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')";

// the guard's own come and go with it
const TRIGGERS: &str = "
SELECT format('%s.%I', c.name, g.tgname), pg_get_triggerdef(g.oid) AS \"definition\",
  CASE g.tgenabled WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica only' ELSE 'always' END AS \"state\",
  obj_description(g.oid, 'pg_trigger') AS \"comment\"
FROM class c JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.id WHERE NOT g.tgisinternal AND g.tgname !~ '^prisma_safe_guard_'";

const RULES: &str = "
SELECT format('%s.%I', c.name, r.rulename), pg_get_ruledef(r.oid) AS \"definition\",
  CASE r.ev_enabled WHEN 'O' THEN 'enabled' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica only' ELSE 'always' END AS \"state\",
  obj_description(r.oid, 'pg_rewrite') AS \"comment\"
FROM class c JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.id WHERE r.rulename <> '_RETURN'";

const POLICIES: &str = "
SELECT format('%s.%I', c.name, p.polname), CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END AS \"kind\",
  p.polcmd::text AS \"command\",
  (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r)::text END, ', ' ORDER BY r)
   FROM unnest(p.polroles) AS r) AS \"roles\",
  pg_get_expr(p.polqual, p.polrelid) AS \"condition\",
  pg_get_expr(p.polwithcheck, p.polrelid) AS \"check\",
  obj_description(p.oid, 'pg_policy') AS \"comment\"
FROM class c JOIN pg_catalog.pg_policy p ON p.polrelid = c.id";

const PUBLICATIONS: &str = "
SELECT quote_ident(b.pubname),
  CASE WHEN b.puballtables THEN 'all' ELSE (
    SELECT string_agg(r.prrelid::regclass::text, ', ' ORDER BY r.prrelid::regclass::text)
    FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = b.oid) END AS \"tables\",
  concat_ws(', ', CASE WHEN b.pubinsert THEN 'insert' END, CASE WHEN b.pubupdate THEN 'update' END,
    CASE WHEN b.pubdelete THEN 'delete' END, CASE WHEN b.pubtruncate THEN 'truncate' END) AS \"operations\"
FROM pg_catalog.pg_publication b";

// the server lists columns in the table's order, which does not count
const STATISTICS: &str = "
SELECT d.name, coalesce(d.parts[1] || ' ON ' || (
    SELECT string_agg(c, ', ' ORDER BY c COLLATE \"C\") FROM unnest(string_to_array(d.parts[2], ', ')) AS c
  ) || ' FROM ' || d.parts[3], d.text) AS \"definition\",
  nullif(d.target, '-1') AS \"statistics target\", obj_description(d.oid, 'pg_statistic_ext') AS \"comment\"
FROM (
  -- the target is there from PostgreSQL 13 on
  SELECT x.oid, to_jsonb(x)->>'stxstattarget' AS target, format('%I.%I', s.nspname, x.stxname) AS name, pg_get_statisticsobjdef(x.oid) AS text,
    regexp_match(pg_get_statisticsobjdef(x.oid), '^(CREATE STATISTICS .*?) ON ([^()]*) FROM (.*)$') AS parts
  FROM pg_catalog.pg_statistic_ext x JOIN space s ON s.oid = x.stxnamespace) AS d";
