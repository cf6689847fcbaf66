//! Rows for any tables, and what became of their values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::Database;

/// How many rows each table gets.
const ROWS: usize = 3;

/// Table and column, as `schema.table` and name.
pub(super) type Place = (String, String);

/// Every row of every table: `schema.table` to rows, each a column's name to its value.
pub(super) type Rows = BTreeMap<String, Vec<BTreeMap<String, Value>>>;

struct Column {
    name: String,
    kind: String,
    element: String,
    is_enum: bool,
    length: i64,
    number: usize,
}

/// Fills every table. `values` are SQL expressions of `n` for columns that need certain ones, by `table.column`.
pub(super) fn fill(database: &Database, values: &BTreeMap<String, String>) {
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for row in database.rows(COLUMNS) {
        let parts: Vec<&str> = row.split('|').collect();
        let [table, name, kind, element, is_enum, length, number] = parts.as_slice() else { panic!("{row}") };
        tables.entry((*table).to_owned()).or_default().push(Column {
            name: (*name).to_owned(),
            kind: (*kind).to_owned(),
            element: (*element).to_owned(),
            is_enum: *is_enum == "t",
            length: length.parse().expect("a length"),
            number: number.parse().expect("a number"),
        });
    }
    let keys: BTreeMap<Place, Place> = database
        .rows(KEYS)
        .iter()
        .map(|row| {
            let parts: Vec<String> = row.split('|').map(str::to_owned).collect();
            let [a, b, c, d] = parts.try_into().expect("four names");
            ((a, b), (c, d))
        })
        .collect();
    let mut script = String::from("SET session_replication_role = replica;");
    for (table, columns) in &tables {
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let made: Vec<String> = columns.iter().map(|column| value(&tables, &keys, values, table, column)).collect();
        let (schema, name) = table.split_once('.').expect("a schema");
        let _ = writeln!(
            script,
            "INSERT INTO {}.{} ({}) SELECT {} FROM generate_series(1, {ROWS}) AS n;",
            quoted(schema),
            quoted(name),
            names.join(", "),
            made.join(", ")
        );
    }
    database.execute(&script);
}

fn value(
    tables: &BTreeMap<String, Vec<Column>>,
    keys: &BTreeMap<Place, Place>,
    values: &BTreeMap<String, String>,
    table: &str,
    column: &Column,
) -> String {
    let mut place = (table.to_owned(), column.name.clone());
    let mut seen = BTreeSet::new();
    while let Some(target) = keys.get(&place).filter(|_| seen.insert(place.clone())) {
        place = target.clone();
    }
    let short = format!("{}.{}", place.0.trim_start_matches("public."), place.1);
    if let Some(own) = values.get(&short) {
        return own.clone();
    }
    let column = tables[&place.0].iter().find(|other| other.name == place.1).unwrap_or(column);
    let own = format!("{} {}", place.0, place.1).replace('\'', "''");
    let seed = column.number * 100;
    let (element, is_list) = match column.kind.strip_suffix("[]") {
        Some(_) => (column.element.as_str(), true),
        None => (column.kind.as_str(), false),
    };
    let text = format!("(n || ' {own}')");
    let single = match element {
        _ if column.is_enum => {
            format!("(enum_range(NULL::{element}))[1 + (n - 1) % cardinality(enum_range(NULL::{element}))]")
        }
        "text" | "character varying" | "character" | "citext" if column.length > 0 => {
            format!("left({text}, {})", column.length)
        }
        "text" | "character varying" | "citext" => text,
        "boolean" => format!("(n + {}) % 2 = 0", column.number),
        "uuid" => format!("md5({text})::uuid"),
        "json" | "jsonb" => format!("to_jsonb({text})::{element}"),
        "bytea" => format!("convert_to({text}, 'UTF8')"),
        "date" => format!("date '2025-01-01' + n::int + {}", column.number * 10),
        kind if kind.starts_with("time") => {
            format!("(timestamp '2025-01-01' + n * interval '1 hour' + {} * interval '1 day')::{kind}", column.number)
        }
        "smallint" | "integer" | "bigint" | "real" | "double precision" | "numeric" => format!("n + {seed}"),
        kind => panic!("no value for {kind} in {}.{}", place.0, place.1),
    };
    if is_list { format!("ARRAY[{single}]") } else { single }
}

/// A name in SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Reads everything.
pub(super) fn read(database: &Database) -> Rows {
    let tables: BTreeSet<String> =
        database.rows(COLUMNS).iter().map(|row| row.split('|').next().unwrap_or_default().to_owned()).collect();
    let read = |table: String| {
        let (schema, name) = table.split_once('.').expect("a schema");
        let rows = database.rows(&format!("SELECT to_jsonb(t) FROM {}.{} AS t", quoted(schema), quoted(name)));
        let rows = rows.iter().map(|row| serde_json::from_str(row).expect("a row")).collect();
        (table, rows)
    };
    tables.into_iter().map(read).collect()
}

/// What of the rows before is not found again under its name after. `moved` gives a place after for a place before, none
/// where the column goes; `called` gives a value's name after.
pub(super) fn lost(
    before: &Rows,
    after: &Rows,
    moved: impl Fn(&Place) -> Option<Place>,
    called: impl Fn(String) -> String,
) -> Vec<String> {
    let mut lost = Vec::new();
    for (table, rows) in before {
        let columns: BTreeSet<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
        let kept: Vec<(&String, Place)> = columns
            .into_iter()
            .filter_map(|column| moved(&(table.clone(), column.clone())).map(|place| (column, place)))
            .collect();
        let Some((_, (target, _))) = kept.first() else { continue };
        let empty = Vec::new();
        let found = after.get(target).unwrap_or(&empty);
        let old = |row: &BTreeMap<String, Value>| -> String {
            kept.iter().map(|(column, _)| called(plain(row.get(*column)))).collect::<Vec<_>>().join("|")
        };
        let new = |row: &BTreeMap<String, Value>| -> String {
            kept.iter().map(|(_, place)| plain(row.get(&place.1))).collect::<Vec<_>>().join("|")
        };
        let mut old: Vec<String> = rows.iter().map(old).collect();
        let mut new: Vec<String> = found.iter().map(new).collect();
        old.sort();
        new.sort();
        if old != new {
            lost.push(format!("{table}: {old:?} became {new:?}"));
        }
    }
    lost
}

/// A value whatever its type: `1` and `"1"` are equal, a list of one is its element, a day its midnight.
fn plain(value: Option<&Value>) -> String {
    match value {
        None => "(no column)".into(),
        // a date that became a time
        Some(Value::String(text)) => text.strip_suffix("T00:00:00").unwrap_or(text).to_owned(),
        Some(Value::Array(list)) if list.len() == 1 => plain(list.first()),
        Some(Value::Bool(value)) => u8::from(*value).to_string(),
        Some(other) => other.to_string(),
    }
}

/// Table, column, type, type of the elements, whether that is an enum, length, place.
const COLUMNS: &str = "SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, NULL), \
     format_type(COALESCE(NULLIF(t.typelem, 0), t.oid), NULL), e.typtype = 'e', GREATEST(a.atttypmod - 4, 0), a.attnum \
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_type t ON t.oid = a.atttypid JOIN pg_type e ON e.oid = CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem ELSE t.oid END \
     WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, a.attnum";

/// Foreign keys, a column at a time.
const KEYS: &str = "SELECT n.nspname || '.' || c.relname, a.attname, m.nspname || '.' || f.relname, b.attname \
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace m ON m.oid = f.relnamespace \
     CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u(x, y) \
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.x JOIN pg_attribute b ON b.attrelid = f.oid AND b.attnum = u.y \
     WHERE k.contype = 'f'";
