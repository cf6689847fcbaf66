//! What the server knows of a table just now.

use postgres::GenericClient;
use postgres::types::Type;

use crate::catalog::ObjectName;
use crate::database::Failure;
use crate::sql::quote_identifier;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    /// As `format_type` prints it, in full.
    pub data_type: String,
    /// Whether the type is PostgreSQL's own. Any other is kept as text, or the capsule would hold on to the type.
    pub built_in: bool,
    pub not_null: bool,
    pub default: bool,
    pub generated: bool,
    /// The sequence that `SERIAL` or an identity owns, qualified.
    pub sequence: Option<String>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// Qualified and quoted.
    pub name: String,
    /// Where its own rows are read and changed: without those of tables that inherit from it, which have losses of their own.
    pub place: String,
    pub id: u32,
    pub columns: Vec<Column>,
    /// Columns that tell rows apart: the primary key first, then unique keys that are never null.
    pub keys: Vec<Vec<String>>,
    /// The server's estimate; none if it was never analysed.
    pub rows: Option<u64>,
    /// Rows of the table itself and what is stored aside, in bytes, by the catalog.
    pub bytes: u64,
    /// Whether it is a plain table of this database with columns of PostgreSQL's own types, and nothing depends on it: then it can be
    /// moved away before it is dropped.
    pub movable: bool,
}

const TABLE: &str = "
SELECT c.oid, c.reltuples::float8, (c.relpages + coalesce(t.relpages, 0))::int8 * 8192,
  c.relkind = 'r' AND NOT c.relispartition AND c.relpersistence = 'p' AND c.reloftype = 0
  AND pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE')
  AND NOT EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent))
  -- whatever leans on the table besides its own parts: foreign keys of others, views, triggers, policies, publications
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND NOT (
    d.classid = 'pg_class'::regclass AND d.objid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = c.oid)
    OR d.classid = 'pg_class'::regclass AND d.objid = c.reltoastrelid
    OR d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.objid IN (SELECT s.oid FROM pg_class s WHERE s.relkind = 'S')
    OR d.classid = 'pg_constraint'::regclass AND d.objid IN (SELECT k.oid FROM pg_constraint k WHERE k.conrelid = c.oid)
    OR d.classid = 'pg_attrdef'::regclass AND d.objid IN (SELECT a.oid FROM pg_attrdef a WHERE a.adrelid = c.oid)
    OR d.classid = 'pg_type'::regclass AND d.objid = c.reltype
    OR d.classid = 'pg_trigger'::regclass AND d.objid IN (SELECT g.oid FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgisinternal)))
  AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_type y ON y.oid = d.refobjid
    WHERE d.refclassid = 'pg_type'::regclass AND y.oid = c.reltype AND NOT (d.classid = 'pg_type'::regclass AND d.objid = y.typarray))
, c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";

const COLUMNS: &str = "
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod),
  coalesce(e.typnamespace, t.typnamespace) = 'pg_catalog'::regnamespace, a.attnotnull, a.atthasdef, a.attgenerated <> '',
  pg_get_serial_sequence(format('%I.%I', $2::text, $3::text), a.attname)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typlen = -1
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const KEYS: &str = "
SELECT array_agg(a.attname::text ORDER BY k.place)
FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
GROUP BY i.indexrelid, i.indisprimary, i.indnkeyatts HAVING bool_and(a.attnotnull)
ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid";

impl Facts {
    /// Asks; `None` if there is no such table.
    pub(super) fn read(client: &mut impl GenericClient, table: &ObjectName) -> Result<Option<Self>, Failure> {
        let (schema, name) = (&table.schema, &table.name);
        let Some(row) = client.query_typed_opt(TABLE, &[(schema, Type::TEXT), (name, Type::TEXT)])? else {
            return Ok(None);
        };
        let (id, rows, bytes): (u32, f64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let (movable, inherited): (bool, bool) = (row.try_get(3)?, row.try_get(4)?);
        let of = [(&id as _, Type::OID), (schema as _, Type::TEXT), (name as _, Type::TEXT)];
        let columns = client.query_typed(COLUMNS, &of)?;
        let columns = columns.iter().map(|row| {
            Ok(Column {
                name: row.try_get(0)?,
                data_type: row.try_get(1)?,
                built_in: row.try_get(2)?,
                not_null: row.try_get(3)?,
                default: row.try_get(4)?,
                generated: row.try_get(5)?,
                sequence: row.try_get(6)?,
            })
        });
        let columns = columns.collect::<Result<Vec<_>, postgres::Error>>()?;
        let keys = client.query_typed(KEYS, &[(&id, Type::OID)])?;
        let keys = keys.iter().map(|row| row.try_get(0)).collect::<Result<Vec<_>, postgres::Error>>()?;
        let movable = movable && columns.iter().all(|column| column.built_in);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive estimate; saturates")]
        let rows = (rows > 0.0).then_some(rows as u64);
        let name = table.quoted();
        let place = if inherited { format!("ONLY {name}") } else { name.clone() };
        Ok(Some(Self { name, place, id, columns, keys, rows, bytes: bytes.unsigned_abs(), movable }))
    }

    /// The best key that has none of these columns.
    pub(super) fn key_without(&self, columns: &[String]) -> Vec<String> {
        let free = |key: &&Vec<String>| !key.iter().any(|own| columns.contains(own));
        self.keys.iter().find(free).cloned().unwrap_or_default()
    }

    /// A column by name.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns whose values are stored.
    pub(super) fn stored(&self) -> Vec<String> {
        self.columns.iter().filter(|column| !column.generated).map(|column| column.name.clone()).collect()
    }

    /// A column of a row, in the form it is kept in.
    pub(super) fn kept(&self, of: &str, column: &str) -> String {
        let value = format!("{of}.{}", quote_identifier(column));
        match self.column(column) {
            Some(column) if !column.built_in => format!("{value}::text"),
            _ => value,
        }
    }
}
