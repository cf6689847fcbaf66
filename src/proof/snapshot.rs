//! A database as plain SQL tells it, by object id: the oracle's own eyes, which know nothing of what the product compares.

use std::collections::{BTreeMap, BTreeSet};

use postgres::{Client, SimpleQueryMessage};

use super::oracle::Kind;

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing {
    pub(super) kind: Kind,
    pub(super) oid: String,
    /// A column's number.
    pub(super) number: String,
    pub(super) schema: String,
    pub(super) name: String,
    /// The table or type that it belongs to; `0` for none.
    pub(super) parent: String,
    pub(super) facts: BTreeMap<String, String>,
    pub(super) rights: BTreeSet<String>,
}

/// A table's rows as text.
#[derive(Debug, Clone, Default)]
pub(super) struct Data {
    /// Number and name of each column.
    pub(super) columns: Vec<(String, String)>,
    /// The places of the primary key's columns.
    pub(super) key: Vec<usize>,
    pub(super) rows: Vec<Vec<Option<String>>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) things: Vec<Thing>,
    /// By the table's object id.
    pub(super) data: BTreeMap<String, Data>,
}

impl Snapshot {
    pub(super) fn read(client: &mut Client) -> Result<Self, postgres::Error> {
        client.batch_execute("SET search_path = ''; SET TimeZone = 'UTC'")?;
        let mut snapshot = Self::default();
        for query in OBJECTS {
            for row in rows(client, &format!("{SPACE} {query}"))? {
                let text = |at: usize| row[at].clone().unwrap_or_default();
                let facts: BTreeMap<String, Option<String>> = serde_json::from_str(&text(6)).unwrap_or_default();
                let rights = text(7).split('|').filter(|right| !right.is_empty()).map(str::to_owned).collect();
                snapshot.things.push(Thing {
                    kind: Kind::of(&text(0)),
                    oid: text(1),
                    number: text(2),
                    schema: text(3),
                    name: text(4),
                    parent: text(5),
                    facts: facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
                    rights,
                });
            }
        }
        let holding = |thing: &&Thing| matches!(thing.kind, Kind::Table | Kind::Materialized);
        let tables: Vec<Thing> = snapshot.things.iter().filter(holding).cloned().collect();
        for table in tables {
            if table.facts.get("populated").is_some_and(|populated| populated == "f") {
                snapshot.data.insert(table.oid, Data::default());
                continue;
            }
            let columns =
                snapshot.things.iter().filter(|thing| thing.kind == Kind::Column && thing.parent == table.oid);
            let columns: Vec<(String, String)> =
                columns.map(|column| (column.number.clone(), column.name.clone())).collect();
            let list: Vec<String> =
                columns.iter().map(|(_, name)| format!("{}::text", crate::sql::quote_identifier(name))).collect();
            let from = format!(
                "{}.{}",
                crate::sql::quote_identifier(&table.schema),
                crate::sql::quote_identifier(&table.name)
            );
            // a partitioned table has the rows of its partitions
            let only = if table.facts.contains_key("partitioned") { "" } else { "ONLY" };
            let rows = rows(client, &format!("SELECT {} FROM {only} {from}", list.join(", ")))?;
            let key = table.facts.get("key").map_or("", String::as_str);
            let key = key.split(' ').filter_map(|own| columns.iter().position(|(number, _)| number == own)).collect();
            snapshot.data.insert(table.oid, Data { columns, key, rows });
        }
        client.batch_execute("RESET search_path; RESET TimeZone")?;
        Ok(snapshot)
    }

    pub(super) fn find(&self, kind: Kind, oid: &str, number: &str) -> Option<&Thing> {
        self.things.iter().find(|thing| thing.kind == kind && thing.oid == oid && thing.number == number)
    }
}

fn rows(client: &mut Client, query: &str) -> Result<Vec<Vec<Option<String>>>, postgres::Error> {
    let messages = client.simple_query(query)?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
        _ => None,
    });
    Ok(rows.collect())
}

const SPACE: &str = "WITH s AS (SELECT oid, nspname, nspowner, nspacl FROM pg_catalog.pg_namespace
   WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '_prisma_safe')),
 c AS (SELECT c.*, s.nspname FROM pg_catalog.pg_class c JOIN s ON s.oid = c.relnamespace WHERE c.relname !~ '^_prisma_migrations')";

/// Each gives kind, id, number, schema, name, parent, facts as JSON, rights.
const OBJECTS: &[&str] = &[
    "SELECT 'schema', s.oid, 0, s.nspname, s.nspname, 0, json_build_object('owner', s.nspowner::regrole::text),
       (SELECT string_agg(concat_ws(' ', x.grantee::regrole, x.privilege_type, x.is_grantable), '|')
        FROM pg_catalog.aclexplode(s.nspacl) x WHERE x.grantee <> s.nspowner) FROM s",
    "SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized' WHEN 'S' THEN 'sequence' ELSE 'table' END,
       c.oid, 0, c.nspname, c.relname,
       coalesce((SELECT d.refobjid FROM pg_catalog.pg_depend d WHERE c.relkind = 'S' AND d.classid = 1259 AND d.objid = c.oid
         AND d.refclassid = 1259 AND d.deptype IN ('a', 'i') LIMIT 1), 0),
       json_build_object('owner', CASE WHEN c.relkind <> 'S' THEN c.relowner::regrole::text END,
         'comment', obj_description(c.oid, 'pg_class'),
         'definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
         'rowSecurity', CASE WHEN c.relrowsecurity THEN concat_ws(' ', 'on', CASE WHEN c.relforcerowsecurity THEN 'forced' END) END,
         'partitioned', CASE c.relkind WHEN 'p' THEN 'yes' END,
         'partition', CASE WHEN c.relispartition THEN (SELECT h.inhparent::text FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid) END,
         'populated', CASE c.relkind WHEN 'm' THEN left(c.relispopulated::text, 1) END,
         'position', CASE WHEN c.relkind = 'S' THEN pg_sequence_last_value(c.oid)::text END,
         'column', (SELECT d.refobjsubid::text FROM pg_catalog.pg_depend d WHERE c.relkind = 'S' AND d.classid = 1259
           AND d.objid = c.oid AND d.refclassid = 1259 AND d.deptype IN ('a', 'i') LIMIT 1),
         'key', (SELECT array_to_string(i.indkey::int2[], ' ') FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)),
       (SELECT string_agg(concat_ws(' ', x.grantee::regrole, x.privilege_type, x.is_grantable), '|')
        FROM pg_catalog.aclexplode(c.relacl) x WHERE x.grantee <> c.relowner)
     FROM c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S')",
    "SELECT 'column', c.oid, a.attnum, c.nspname, a.attname, c.oid,
       json_build_object('type', format_type(a.atttypid, a.atttypmod), 'notNull', CASE WHEN a.attnotnull THEN 'on' END,
         'default', concat_ws(' ', pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity, ''), nullif(a.attgenerated, '')),
         'comment', col_description(c.oid, a.attnum)),
       (SELECT string_agg(concat_ws(' ', x.grantee::regrole, x.privilege_type, x.is_grantable), '|')
        FROM pg_catalog.aclexplode(a.attacl) x WHERE x.grantee <> c.relowner)
     FROM c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relkind IN ('r', 'p', 'm') ORDER BY c.oid, a.attnum",
    "SELECT 'constraint', o.oid, 0, c.nspname, o.conname, c.oid,
       json_build_object('definition', pg_get_constraintdef(o.oid), 'columns', array_to_string(o.conkey, ' ')), ''
     FROM c JOIN pg_catalog.pg_constraint o ON o.conrelid = c.oid",
    "SELECT 'index', x.oid, 0, c.nspname, x.relname, c.oid,
       json_build_object('definition', regexp_replace(pg_get_indexdef(x.oid), 'INDEX .*? ON ', 'INDEX ON '),
         'columns', array_to_string(i.indkey::int2[], ' ')), ''
     FROM c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o WHERE o.conindid = x.oid AND o.contype IN ('p', 'u', 'x'))",
    "SELECT 'trigger', g.oid, 0, c.nspname, g.tgname, c.oid,
       json_build_object('definition', pg_get_triggerdef(g.oid), 'state', CASE g.tgenabled WHEN 'D' THEN NULL ELSE 'on' END), ''
     FROM c JOIN pg_catalog.pg_trigger g ON g.tgrelid = c.oid WHERE NOT g.tgisinternal",
    "SELECT 'policy', p.oid, 0, c.nspname, p.polname, c.oid, json_build_object('definition',
       concat_ws(' ', p.polcmd, p.polroles::regrole[]::text, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))), ''
     FROM c JOIN pg_catalog.pg_policy p ON p.polrelid = c.oid",
    "SELECT 'rule', r.oid, 0, c.nspname, r.rulename, c.oid, json_build_object('definition', pg_get_ruledef(r.oid),
       'state', CASE r.ev_enabled WHEN 'D' THEN NULL ELSE 'on' END), ''
     FROM c JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN'",
    "SELECT 'domain', t.oid, 0, s.nspname, t.typname, 0, json_build_object('owner', t.typowner::regrole::text,
       'definition', concat_ws(' ', format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
         (SELECT string_agg(pg_get_constraintdef(o.oid), ' ' ORDER BY o.conname) FROM pg_catalog.pg_constraint o WHERE o.contypid = t.oid))), ''
     FROM pg_catalog.pg_type t JOIN s ON s.oid = t.typnamespace WHERE t.typtype = 'd'",
    // the server lists columns in the order they stand in, whatever was written
    "SELECT 'statistics', x.oid, 0, s.nspname, x.stxname, c.oid, json_build_object('definition',
       regexp_replace(pg_get_statisticsobjdef(x.oid), ' ON [^()]* FROM ', concat(' ON ', (SELECT string_agg(a.attname, ', ' ORDER BY a.attname)
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (x.stxkeys::int2[])), ' FROM ')),
       'columns', array_to_string(x.stxkeys::int2[], ' ')), ''
     FROM c JOIN pg_catalog.pg_statistic_ext x ON x.stxrelid = c.oid JOIN s ON s.oid = x.stxnamespace",
    "SELECT 'function', p.oid, 0, s.nspname, p.proname, 0,
       json_build_object('definition', pg_get_functiondef(p.oid), 'owner', p.proowner::regrole::text,
         'comment', obj_description(p.oid, 'pg_proc')),
       (SELECT string_agg(concat_ws(' ', x.grantee::regrole, x.privilege_type, x.is_grantable), '|')
        FROM pg_catalog.aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x WHERE x.grantee <> p.proowner)
     FROM pg_catalog.pg_proc p JOIN s ON s.oid = p.pronamespace WHERE p.prokind <> 'a'",
    "SELECT 'enum', t.oid, 0, s.nspname, t.typname, 0, json_build_object('owner', t.typowner::regrole::text), ''
     FROM pg_catalog.pg_type t JOIN s ON s.oid = t.typnamespace WHERE t.typtype = 'e'",
    "SELECT 'label', v.oid, 0, s.nspname, v.enumlabel, t.oid, json_build_object(), ''
     FROM pg_catalog.pg_enum v JOIN pg_catalog.pg_type t ON t.oid = v.enumtypid JOIN s ON s.oid = t.typnamespace",
];
