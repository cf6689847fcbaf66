//! Rows for the tables that a rewrite concerns, on a scratch server: by type, with keys and foreign keys that fit, and
//! within checks as far as they can be met.
//!
//! Row `n` of a table references row `n` of every other one: a foreign key's value is made as the key it references is.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;

use super::sample::{self, Shape};
use crate::catalog::ObjectName;
use crate::database::Failure;
use crate::sql::quote_identifier;

/// Rows in each table. Fewer than 62, so that one letter can tell them apart.
const ROWS: u32 = 24;
/// Combinations tried for the columns of a table's checks.
const TRIES: usize = 4096;

/// A column and what its values must be like.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    /// Its number, which a rename keeps.
    pub(super) place: i32,
    pub(super) shape: Shape,
    pub(super) not_null: bool,
    /// We write no values to generated columns.
    generated: bool,
    /// A row without a value for it gets one: by a default, an identity, a generating expression.
    pub(super) has_default: bool,
}

/// What becomes of tables and columns, as far as it says what their rows must be like before.
pub(super) trait Becoming {
    /// Why a table must have no rows.
    fn without_rows(&self, table: &ObjectName) -> Option<String>;
    /// Whether a column must hold no NULL.
    fn is_full(&self, table: &ObjectName, column: &Column) -> bool;
    /// What its values must be like, if other than its type says.
    fn shape(&self, table: &ObjectName, column: &Column) -> Option<Shape>;
}

/// A foreign key.
#[derive(Debug, Clone)]
struct Reference {
    table: ObjectName,
    columns: Vec<String>,
    referenced: ObjectName,
    keys: Vec<String>,
}

/// What is known of the tables of a database.
#[derive(Debug, Default)]
pub(super) struct Tables {
    columns: BTreeMap<ObjectName, Vec<Column>>,
    /// By table: the expression and the columns it is about.
    checks: BTreeMap<ObjectName, Vec<(String, Vec<String>)>>,
    references: Vec<Reference>,
}

const COLUMNS: &str = "
WITH RECURSIVE below(id, base) AS (
  SELECT t.oid, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END FROM pg_catalog.pg_type t
  UNION
  SELECT b.id, t.typbasetype FROM below b JOIN pg_catalog.pg_type t ON t.oid = b.base WHERE t.typtype = 'd'
), base AS (
  SELECT b.id AS of, t.* FROM below b JOIN pg_catalog.pg_type t ON t.oid = b.base WHERE t.typtype <> 'd'
)
SELECT n.nspname, c.relname, a.attname, a.attnum::int4, coalesce(e.typname, t.typname)::text,
  format_type(a.atttypid, a.atttypmod),
  ARRAY(SELECT v.enumlabel::text FROM pg_catalog.pg_enum v WHERE v.enumtypid = coalesce(e.oid, t.oid) ORDER BY v.enumsortorder),
  e.oid IS NOT NULL,
  CASE WHEN a.atttypmod > 0 AND t.typname IN ('varchar', 'bpchar', '_varchar', '_bpchar') THEN a.atttypmod - 4
       WHEN a.atttypmod > 0 AND t.typname IN ('bit', 'varbit') THEN a.atttypmod END,
  CASE WHEN a.atttypmod > 0 AND t.typname IN ('numeric', '_numeric')
       THEN ((a.atttypmod - 4) >> 16) - ((a.atttypmod - 4) & 1023) END,
  a.attnotnull, a.attgenerated <> '', a.atthasdef OR a.attidentity <> ''
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN base t ON t.of = a.atttypid
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2, 4";

const CHECKS: &str = "
SELECT n.nspname, c.relname, pg_get_expr(o.conbin, o.conrelid),
  ARRAY(SELECT a.attname::text FROM unnest(o.conkey) k JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k)
FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE o.contype = 'c' AND n.nspname NOT IN ('pg_catalog', 'information_schema')";

const REFERENCES: &str = "
SELECT n.nspname, c.relname,
  ARRAY(SELECT a.attname::text FROM unnest(o.conkey) WITH ORDINALITY k(num, at)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.num ORDER BY k.at),
  m.nspname, r.relname,
  ARRAY(SELECT a.attname::text FROM unnest(o.confkey) WITH ORDINALITY k(num, at)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.num ORDER BY k.at)
FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = o.confrelid
JOIN pg_catalog.pg_namespace m ON m.oid = r.relnamespace
WHERE o.contype = 'f'";

impl Tables {
    pub(super) fn read(client: &mut Client) -> Result<Self, Failure> {
        let mut tables = Self::default();
        for row in client.query_typed(COLUMNS, &[])? {
            let column = Column {
                name: row.try_get(2)?,
                place: row.try_get(3)?,
                shape: Shape {
                    base: row.try_get(4)?,
                    whole: row.try_get(5)?,
                    labels: row.try_get(6)?,
                    array: row.try_get(7)?,
                    length: row.try_get(8)?,
                    digits: row.try_get(9)?,
                },
                not_null: row.try_get(10)?,
                generated: row.try_get(11)?,
                has_default: row.try_get(12)?,
            };
            let name = ObjectName { schema: row.try_get(0)?, name: row.try_get(1)? };
            tables.columns.entry(name).or_default().push(column);
        }
        for row in client.query_typed(CHECKS, &[])? {
            let name = ObjectName { schema: row.try_get(0)?, name: row.try_get(1)? };
            tables.checks.entry(name).or_default().push((row.try_get(2)?, row.try_get(3)?));
        }
        for row in client.query_typed(REFERENCES, &[])? {
            tables.references.push(Reference {
                table: ObjectName { schema: row.try_get(0)?, name: row.try_get(1)? },
                columns: row.try_get(2)?,
                referenced: ObjectName { schema: row.try_get(3)?, name: row.try_get(4)? },
                keys: row.try_get(5)?,
            });
        }
        Ok(tables)
    }

    /// Tables that have a column of this enum.
    pub(super) fn using(&self, of: &ObjectName) -> impl Iterator<Item = &ObjectName> {
        let uses = |column: &Column| !column.shape.labels.is_empty() && column.shape.base == of.name;
        self.columns.iter().filter(move |(_, columns)| columns.iter().any(uses)).map(|(name, _)| name)
    }

    /// A table's columns, in order.
    pub(super) fn columns(&self, table: &ObjectName) -> impl Iterator<Item = &Column> {
        self.columns.get(table).into_iter().flatten()
    }

    /// A column.
    pub(super) fn column(&self, table: &ObjectName, name: &str) -> Option<&Column> {
        self.columns(table).find(|column| column.name == name)
    }

    /// Fills these tables and those they reference, as `becoming` demands. Gives the tables that stay empty, with the reason.
    ///
    /// # Errors
    /// The server's own, other than a refusal of rows.
    pub(super) fn fill(
        &self,
        client: &mut Client,
        tables: &BTreeSet<ObjectName>,
        becoming: &dyn Becoming,
    ) -> Result<Vec<String>, Failure> {
        let mut all = tables.clone();
        let mut waiting: Vec<ObjectName> = all.iter().cloned().collect();
        while let Some(table) = waiting.pop() {
            for reference in self.references.iter().filter(|own| own.table == table) {
                if all.insert(reference.referenced.clone()) {
                    waiting.push(reference.referenced.clone());
                }
            }
        }
        // neither triggers nor foreign keys: rows come in any order, and what does not fit goes again
        client.batch_execute("SET session_replication_role = replica")?;
        let mut empty = Vec::new();
        for table in &all {
            let sql = becoming.without_rows(table).map_or_else(|| self.insertion(table, becoming), Err);
            let filled =
                sql.and_then(|sql| client.execute(&sql, &[]).map_err(|error| Failure::from(error).message.clone()));
            let why = match filled {
                Ok(0) if self.checks.contains_key(table) => "no generated row meets its CHECK constraints".to_owned(),
                Ok(_) => continue,
                Err(why) => why,
            };
            empty.push(format!("{}: {why}", nothing_in(table)));
        }
        self.prune(client, &all)?;
        client.batch_execute("SET session_replication_role = origin")?;
        Ok(empty)
    }

    /// Takes rows away whose foreign keys reference nothing, until all fit.
    fn prune(&self, client: &mut Client, tables: &BTreeSet<ObjectName>) -> Result<(), Failure> {
        loop {
            let mut gone = 0;
            for reference in self.references.iter().filter(|own| tables.contains(&own.table)) {
                let pairs = reference.columns.iter().zip(&reference.keys);
                let equal: Vec<String> = pairs
                    .map(|(column, key)| format!("t.{} = r.{}", quote_identifier(column), quote_identifier(key)))
                    .collect();
                let known: Vec<String> = reference
                    .columns
                    .iter()
                    .map(|column| format!("t.{} IS NOT NULL", quote_identifier(column)))
                    .collect();
                gone += client.execute(
                    &format!(
                        "DELETE FROM {} t WHERE {} AND NOT EXISTS (SELECT FROM {} r WHERE {})",
                        reference.table.quoted(),
                        known.join(" AND "),
                        reference.referenced.quoted(),
                        equal.join(" AND ")
                    ),
                    &[],
                )?;
            }
            if gone == 0 {
                return Ok(());
            }
        }
    }

    /// The statement that fills a table; an error where a required column's type is strange.
    fn insertion(&self, table: &ObjectName, becoming: &dyn Becoming) -> Result<String, String> {
        let checks = self.checks.get(table).map(Vec::as_slice).unwrap_or_default();
        let mut values = Vec::new();
        let mut choices = Vec::new();
        let mut names = Vec::new();
        for column in self.columns(table).filter(|column| !column.generated) {
            let (origin, named) = self.origin(table, column);
            let shape = becoming.shape(table, column).filter(|_| std::ptr::eq(origin, column));
            let shape = shape.as_ref().unwrap_or(&origin.shape);
            let Some(mut value) = sample::expression(shape, &named, origin.place) else {
                if column.not_null {
                    return Err(format!("values of type {} are not made", column.shape.whole));
                }
                continue;
            };
            if shape.whole != column.shape.whole {
                value = format!("CAST({value} AS {})", column.shape.whole);
            }
            let about = |(_, columns): &&(String, Vec<String>)| columns.contains(&column.name);
            let about: Vec<&str> = checks.iter().filter(about).map(|(check, _)| check.as_str()).collect();
            let others = sample::alternatives(&column.shape, &about);
            let room = TRIES / choices.iter().product::<usize>().max(1);
            if !others.is_empty() && others.len() < room {
                let pick = format!("pick{}", choices.len());
                let arms: Vec<String> =
                    others.iter().enumerate().map(|(at, other)| format!("WHEN {} THEN {other}", at + 1)).collect();
                value = format!("CASE {pick} {} ELSE {value} END", arms.join(" "));
                choices.push(others.len() + 1);
            }
            if !column.not_null && !becoming.is_full(table, column) {
                value = format!("CASE WHEN n % 7 <> {} THEN {value} END", column.place.rem_euclid(7));
            }
            values.push(format!("{value} AS {}", quote_identifier(&column.name)));
            names.push(column.name.as_str());
        }
        let picks: String = choices
            .iter()
            .enumerate()
            .map(|(at, count)| format!(", generate_series(0, {}) pick{at}", count - 1))
            .collect();
        let order: String = (0..choices.len()).map(|at| format!(", pick{at}")).collect();
        let met: String = checks.iter().map(|(check, _)| format!(" AND ({check}) IS NOT FALSE")).collect();
        let list = sample::list(names.into_iter());
        let comma = if values.is_empty() { "" } else { ", " };
        Ok(format!(
            "INSERT INTO {} ({list}) OVERRIDING SYSTEM VALUE SELECT {list} FROM (\
             SELECT DISTINCT ON (prisma_safe_n) * FROM (\
             SELECT n AS prisma_safe_n, row_number() OVER (ORDER BY n{order}) AS prisma_safe_try{comma}{} \
             FROM generate_series(1, {ROWS}) n{picks}) made WHERE true{met} ORDER BY prisma_safe_n, prisma_safe_try) met \
             ON CONFLICT DO NOTHING",
            table.quoted(),
            values.join(", ")
        ))
    }

    /// The column that a foreign key's values come from in the end, and its name; the column itself without one.
    fn origin<'a>(&'a self, table: &ObjectName, column: &'a Column) -> (&'a Column, String) {
        let (mut table, mut column) = (table, column);
        let mut seen: BTreeSet<(&ObjectName, &str)> = BTreeSet::new();
        let mut name = format!("{}{}", table.name, column.name);
        loop {
            let referenced = self.references.iter().filter(|own| own.table == *table).find_map(|own| {
                let at = own.columns.iter().position(|name| *name == column.name)?;
                let key = own.keys.get(at)?;
                let target = self.column(&own.referenced, key)?;
                Some((&own.referenced, target))
            });
            match referenced {
                Some((next, target)) if seen.insert((next, target.name.as_str())) => {
                    (table, column) = (next, target);
                    name = format!("{}{}", table.name, column.name);
                }
                _ => return (column, name),
            }
        }
    }
}

/// The sentence for a table without any.
pub(super) fn nothing_in(table: &ObjectName) -> String {
    format!("no rows to compare in {}", table.name)
}
