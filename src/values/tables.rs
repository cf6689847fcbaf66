//! The tables of a database by object id and column number: both survive a rename, and a copy made from a template has the
//! same ones, so that before and after are compared without guessing.

use std::collections::BTreeMap;

use postgres::Client;

use crate::catalog::live::OWN_SCHEMA;
use crate::database::{Failure, history};
use crate::sql::quote_qualified;

/// A table with rows of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
    /// Another one means that the server has written the table anew.
    pub(crate) file: u32,
    /// Whether PostgreSQL itself stores it, and not an extension.
    pub(crate) heap: bool,
    /// By number; dropped ones are not there.
    pub(crate) columns: BTreeMap<i16, Column>,
    /// The numbers of the columns that tell rows apart: the primary key, else a unique index without gaps.
    pub(crate) key: Vec<i16>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// As SQL writes it: `character varying(40)`.
    pub(crate) kind: String,
    /// The type's object id.
    pub(crate) type_id: u32,
    /// Computed from others: nothing of its own is lost with it.
    pub(crate) generated: bool,
}

/// Types from here on are not the server's own: their texts may change while the values stay, as a label's name does.
pub(super) const FIRST_OWN_TYPE: u32 = 16_384;

/// Labels of enums and attributes of composite types, by the type and their number within it; 0 is the type itself.
pub(super) type Parts = BTreeMap<(u32, i64), String>;

/// A change of a type locks no table, but tables hold other values then.
const PARTS: &str = "
SELECT enumtypid, oid::int8, enumlabel::text FROM pg_catalog.pg_enum
UNION ALL
SELECT c.reltype, a.attnum::int8, pg_catalog.format('%s %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'c'
UNION ALL
SELECT t.oid, 0, '' FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
WHERE t.typtype = 'e' OR c.relkind = 'c'";

/// Reads them.
pub(super) fn parts(client: &mut Client) -> Result<Parts, Failure> {
    let mut parts = Parts::new();
    for row in client.query(PARTS, &[])? {
        parts.insert((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?);
    }
    Ok(parts)
}

/// Whether a type that is still there has other parts: values of it may read otherwise. One that is gone took its columns along.
pub(super) fn types_differ(before: &Parts, after: &Parts) -> bool {
    before.iter().any(|(part, text)| after.contains_key(&(part.0, 0)) && after.get(part) != Some(text))
}

/// Tables by object id.
pub(crate) type Tables = BTreeMap<u32, Table>;

const TABLES: &str = "
SELECT c.oid, n.nspname::text, c.relname::text, c.relfilenode,
       coalesce((
         SELECT i.indkey::int2[] FROM pg_catalog.pg_index i
         WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
           AND i.indnatts = i.indnkeyatts AND NOT EXISTS (
             SELECT FROM unnest(i.indkey::int2[]) AS k LEFT JOIN pg_catalog.pg_attribute a
               ON a.attrelid = c.oid AND a.attnum = k AND a.attnotnull
             WHERE a.attnum IS NULL)
         ORDER BY NOT i.indisprimary, i.indexrelid LIMIT 1), '{}'), c.relam = 2
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND n.nspname <> $1 AND c.relname <> $2
ORDER BY 1";

const COLUMNS: &str = "
SELECT a.attrelid, a.attnum, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.atttypid,
       a.attgenerated <> ''
FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped";

/// Reads them; Prisma's history and our own schema are left out.
pub(crate) fn read(client: &mut Client) -> Result<Tables, Failure> {
    let mut tables = Tables::new();
    for row in client.query(TABLES, &[&OWN_SCHEMA, &history::TABLE])? {
        let table = Table {
            schema: row.try_get(1)?,
            name: row.try_get(2)?,
            file: row.try_get(3)?,
            heap: row.try_get(5)?,
            columns: BTreeMap::new(),
            key: row.try_get(4)?,
        };
        tables.insert(row.try_get(0)?, table);
    }
    let ids: Vec<u32> = tables.keys().copied().collect();
    for (id, columns) in columns(client, &ids)? {
        if let Some(table) = tables.get_mut(&id) {
            table.columns = columns;
        }
    }
    Ok(tables)
}

/// Reads the columns of tables, by number.
pub(super) fn columns(client: &mut Client, ids: &[u32]) -> Result<BTreeMap<u32, BTreeMap<i16, Column>>, Failure> {
    let mut columns: BTreeMap<u32, BTreeMap<i16, Column>> = BTreeMap::new();
    for row in client.query(COLUMNS, &[&ids])? {
        let column = Column {
            name: row.try_get(2)?,
            kind: row.try_get(3)?,
            type_id: row.try_get(4)?,
            generated: row.try_get(5)?,
        };
        columns.entry(row.try_get(0)?).or_default().insert(row.try_get(1)?, column);
    }
    Ok(columns)
}

impl Table {
    /// Whether any column has a type that is not the server's own.
    pub(super) fn has_own_types(&self) -> bool {
        self.columns.values().any(|column| column.type_id >= FIRST_OWN_TYPE)
    }

    /// As SQL takes it.
    pub(crate) fn quoted(&self) -> String {
        quote_qualified(&self.schema, &self.name)
    }

    /// As people say it: without the schema that goes without saying.
    pub(crate) fn said(&self, default_schema: &str) -> String {
        if self.schema == default_schema { self.name.clone() } else { format!("{}.{}", self.schema, self.name) }
    }
}
