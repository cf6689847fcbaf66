//! How many rows the tables have that a deploy touches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use postgres::types::Type;
use postgres::{Client, IsolationLevel, Transaction};
use serde::{Deserialize, Serialize};

use crate::database::{Failure, history};
use crate::sql::{Name, Script, StatementKind};
use crate::ui::rows;

/// Tables up to this size (by the catalog: asking the file waits for locks) are counted row by row, larger ones by the
/// server's estimate.
const COUNTED_BYTES: i64 = 64 << 20;
/// A count that takes longer gives way to the estimate.
const COUNT_TIMEOUT: &str = "5s";

/// How many rows a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rows {
    /// Counted.
    Exact(u64),
    /// The server's estimate of a large table.
    Estimate(u64),
    /// A large table that was never analysed.
    Unknown,
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(number) => f.write_str(&rows(*number)),
            Self::Estimate(number) => write!(f, "about {}", rows(*number)),
            Self::Unknown => f.write_str("an unknown number of rows"),
        }
    }
}

/// A table at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Qualified, quoted where it must be.
    pub name: String,
    /// Its rows.
    pub rows: Rows,
}

/// A touched table before and after. Before is none for a new table, after for one that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub before: Option<Table>,
    pub after: Option<Table>,
}

impl Change {
    /// Whether it had rows before and has none now. A table that is gone is another matter.
    pub fn is_emptied(&self) -> bool {
        let known = |table: &Option<Table>| match table {
            Some(Table { rows: Rows::Exact(rows) | Rows::Estimate(rows), .. }) => Some(*rows),
            _ => None,
        };
        known(&self.after) == Some(0) && known(&self.before).is_some_and(|rows| rows > 0)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                f.write_str(&before.name)?;
                if before.name != after.name {
                    write!(f, ", now {}", after.name)?;
                }
                match before.rows == after.rows {
                    true => write!(f, ": {}, as before", after.rows),
                    false => write!(f, ": {} before, {} now", before.rows, after.rows),
                }
            }
            (Some(before), None) => write!(f, "{}: gone, had {}", before.name, before.rows),
            (None, Some(after)) => write!(f, "{}: new, {}", after.name, after.rows),
            (None, None) => Ok(()),
        }
    }
}

/// The tables a script names where it changes something.
pub(super) fn touched(script: &Script) -> Vec<Name> {
    let mut names = Vec::new();
    for statement in script.statements() {
        match &statement.kind {
            StatementKind::CreateTable { table, .. } => names.push(table.clone()),
            StatementKind::AlterTable { table, .. }
            | StatementKind::Insert { table }
            | StatementKind::Update { table, .. }
            | StatementKind::Delete { table, .. } => names.push(table.clone()),
            StatementKind::CreateIndex(index) => names.push(index.table.clone()),
            StatementKind::DropTable { tables, .. } | StatementKind::Truncate { tables, .. } => {
                names.extend(tables.iter().cloned());
            }
            _ => {}
        }
    }
    names
}

/// Whether a script says that rows go: then an empty table is what was wanted.
pub(super) fn removes_rows(script: &Script) -> bool {
    script.statements().iter().any(|statement| match &statement.kind {
        StatementKind::Delete { .. } | StatementKind::Truncate { .. } | StatementKind::DropTable { .. } => true,
        // it may do anything
        StatementKind::Other { .. } | StatementKind::Select => true,
        _ => false,
    })
}

const TABLES: &str = "
SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.reltuples::float8, c.relpages::bigint * 8192
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND (c.oid = ANY ($3) OR
  EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS named(space, name) WHERE named.space = n.nspname AND named.name = c.relname))
  AND c.relname <> $4
ORDER BY 2";

/// Counts the tables of these names or object ids, all of one moment.
pub(super) fn count(
    client: &mut Client,
    schema: &str,
    names: &BTreeSet<Name>,
    ids: &[u32],
) -> Result<BTreeMap<u32, Table>, Failure> {
    if names.is_empty() && ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let spaces: Vec<&str> = names.iter().map(|name| name.schema.as_deref().unwrap_or(schema)).collect();
    let tables: Vec<&str> = names.iter().map(|name| name.name.as_str()).collect();
    let mut snapshot =
        client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()?;
    snapshot
        .batch_execute(&format!("SET LOCAL statement_timeout = '{COUNT_TIMEOUT}'; SET LOCAL lock_timeout = '1s'"))?;
    let mut counted = BTreeMap::new();
    for row in snapshot.query(TABLES, &[&spaces, &tables, &ids, &history::TABLE])? {
        let (id, name): (u32, String) = (row.try_get(0)?, row.try_get(1)?);
        let (estimate, bytes): (f64, i64) = (row.try_get(2)?, row.try_get(3)?);
        let exact = if bytes <= COUNTED_BYTES { count_rows(&mut snapshot, &name)? } else { None };
        counted.insert(id, Table { rows: exact.map_or_else(|| estimated(estimate), Rows::Exact), name });
    }
    snapshot.rollback()?;
    Ok(counted)
}

/// The tables of a moment long ago, and what they are now.
pub(super) fn since(client: &mut Client, then: &[Table]) -> Result<Vec<Change>, Failure> {
    let names: Vec<&str> = then.iter().map(|table| table.name.as_str()).collect();
    let ids = "SELECT to_regclass(name)::oid FROM unnest($1::text[]) WITH ORDINALITY AS n(name, place) ORDER BY place";
    let rows = client.query_typed(ids, &[(&names, Type::TEXT_ARRAY)])?;
    let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Option<u32>>, postgres::Error>>()?;
    let found: Vec<u32> = ids.iter().flatten().copied().collect();
    let mut now = count(client, "", &BTreeSet::new(), &found)?;
    let change = |(before, id): (&Table, &Option<u32>)| Change {
        before: Some(before.clone()),
        after: id.and_then(|id| now.remove(&id)),
    };
    Ok(then.iter().zip(&ids).map(change).collect())
}

/// `None` if it took too long or the table may not be read.
fn count_rows(snapshot: &mut Transaction<'_>, name: &str) -> Result<Option<u64>, Failure> {
    let mut attempt = snapshot.savepoint("count")?;
    let counted = attempt.query_one(&format!("SELECT count(*) FROM {name}"), &[]);
    let rows: Option<i64> = counted.ok().map(|row| row.try_get(0)).transpose()?;
    match rows {
        Some(_) => attempt.commit()?,
        None => attempt.rollback()?,
    }
    Ok(rows.map(i64::unsigned_abs))
}

/// `reltuples` is -1, before PostgreSQL 14 also 0, for a table that was never analysed.
fn estimated(tuples: f64) -> Rows {
    if tuples <= 0.0 {
        return Rows::Unknown;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive estimate; saturates")]
    Rows::Estimate(tuples as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_touches_what_it_changes() {
        let script = Script::parse(
            "CREATE TABLE a (x INT); ALTER TABLE other.b ADD y INT; INSERT INTO c VALUES (1); CREATE INDEX i ON d (x);\n\
             DROP TABLE e, f; SELECT * FROM g; CREATE TYPE h AS ENUM ('x');",
        );
        let names: Vec<String> = touched(&script).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a", "other.b", "c", "d", "e", "f"]);
    }

    #[test]
    fn what_was_never_analysed_is_not_known() {
        assert_eq!(estimated(-1.0), Rows::Unknown);
        assert_eq!(estimated(0.0), Rows::Unknown);
        assert_eq!(estimated(1e6), Rows::Estimate(1_000_000));
    }

    #[test]
    fn a_table_that_lost_every_row_unasked_is_emptied() {
        let table = |rows| Table { name: "public.t".into(), rows: Rows::Exact(rows) };
        let change = |before, after| Change { before: Some(table(before)), after: Some(table(after)) };
        assert!(change(5, 0).is_emptied());
        assert!(!change(0, 0).is_emptied() && !change(5, 4).is_emptied());
        assert!(!Change { before: Some(table(5)), after: None }.is_emptied(), "it is gone, as it should be");
    }
}
