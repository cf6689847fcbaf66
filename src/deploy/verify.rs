//! After a deploy: is the history whole, and is anything broken that was not broken before?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use postgres::{Client, IsolationLevel, Transaction};

use crate::database::health::{Blemish, Health, drop_index};
use crate::database::history::{self, State};
use crate::database::{Failure, History};
use crate::error::{Error, Explain as _, Result};
use crate::sql::{Name, Script, StatementKind};

/// Tables up to this size (by the catalog: asking the file waits for locks) are counted row by row, larger ones by the
/// server's estimate.
const COUNTED_BYTES: i64 = 64 << 20;
/// A count that takes longer gives way to the estimate.
const COUNT_TIMEOUT: &str = "5s";

/// How many rows a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            Self::Exact(rows) => write!(f, "{rows}"),
            Self::Estimate(rows) => write!(f, "about {rows}"),
            Self::Unknown => f.write_str("not known"),
        }
    }
}

/// A table at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Qualified, quoted where it must be.
    pub name: String,
    /// Its rows.
    pub rows: Rows,
}

/// What there was before the deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    health: Health,
    names: BTreeSet<Name>,
    /// By object id, which survives a rename.
    tables: BTreeMap<u32, Table>,
}

impl Baseline {
    /// Looks at the database's health, and counts the tables that the scripts touch.
    ///
    /// # Errors
    /// The server's own.
    pub fn take<'a>(client: &mut Client, schema: &str, scripts: impl IntoIterator<Item = &'a Script>) -> Result<Self> {
        let names = scripts.into_iter().flat_map(touched).collect::<BTreeSet<_>>();
        let look = |client: &mut Client| -> Result<Self, Failure> {
            let health = Health::read(client)?;
            let tables = count(client, schema, &names, &[])?;
            Ok(Self { health, names: names.clone(), tables })
        };
        look(client).explain(|| "could not look at the database before the deploy".into())
    }
}

/// A touched table before and after. Before is none for a new table, after for one that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub before: Option<Table>,
    pub after: Option<Table>,
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
                    true => write!(f, ": {} rows, as before", after.rows),
                    false => write!(f, ": {} rows before, {} now", before.rows, after.rows),
                }
            }
            (Some(before), None) => write!(f, "{}: gone, had {} rows", before.name, before.rows),
            (None, Some(after)) => write!(f, "{}: new, {} rows", after.name, after.rows),
            (None, None) => Ok(()),
        }
    }
}

/// What there is after the deploy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Migrations that should be applied, and are not by the history.
    pub unfinished: Vec<String>,
    /// Indexes that became invalid.
    pub invalid_indexes: Vec<Blemish>,
    /// Constraints that were added and hold for new rows only. A migration may mean that.
    pub unvalidated: Vec<Blemish>,
    /// The touched tables.
    pub tables: Vec<Change>,
}

impl Verified {
    /// Whether the deploy left nothing broken. Constraints that are not validated yet are no breakage.
    pub fn is_sound(&self) -> bool {
        self.unfinished.is_empty() && self.invalid_indexes.is_empty()
    }

    /// Refuses what is broken, with the statements that mend it.
    ///
    /// # Errors
    /// Exit status 1.
    pub fn check(&self) -> Result<()> {
        if !self.unfinished.is_empty() {
            return Err(Error::failed(format!("not applied by Prisma's history: {}", self.unfinished.join(", ")))
                .help("see prisma-safe migrate status"));
        }
        if !self.invalid_indexes.is_empty() {
            let names: Vec<String> = self.invalid_indexes.iter().map(ToString::to_string).collect();
            let drops: Vec<String> = self.invalid_indexes.iter().map(drop_index).collect();
            return Err(Error::failed(format!("the deploy left an invalid index: {}", names.join(", "))).help(format!(
                "it costs every write and serves no query. Take it away, then create it again in a new migration:\n{}",
                drops.join("\n")
            )));
        }
        Ok(())
    }
}

/// Compares with what there was before. `applied` are the migrations that should be in the history now.
///
/// # Errors
/// The server's own; what is found is in [`Verified`].
pub fn verify(client: &mut Client, schema: &str, baseline: &Baseline, applied: &[String]) -> Result<Verified> {
    let mut look = || -> Result<Verified, Failure> {
        let history = History::fetch(client, schema)?.unwrap_or_default();
        let health = Health::read(client)?.since(&baseline.health);
        let known: Vec<u32> = baseline.tables.keys().copied().collect();
        let mut now = count(client, schema, &baseline.names, &known)?;
        let change = |(id, before): (&u32, &Table)| Change { before: Some(before.clone()), after: now.remove(id) };
        let mut tables: Vec<Change> = baseline.tables.iter().map(change).collect();
        tables.extend(now.into_values().map(|after| Change { before: None, after: Some(after) }));
        Ok(Verified {
            unfinished: applied.iter().filter(|name| history.state(name) != Some(State::Applied)).cloned().collect(),
            invalid_indexes: health.invalid_indexes.into_iter().collect(),
            unvalidated: health.unvalidated.into_iter().collect(),
            tables,
        })
    };
    look().explain(|| "could not verify the deploy".into())
}

/// The tables a script names where it changes something.
fn touched(script: &Script) -> Vec<Name> {
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

const TABLES: &str = "
SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.reltuples::float8, c.relpages::bigint * 8192
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND (c.oid = ANY ($3) OR
  EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS named(space, name) WHERE named.space = n.nspname AND named.name = c.relname))
  AND c.relname <> $4
ORDER BY 2";

/// Counts the tables of these names or object ids, all of one moment.
fn count(
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
    fn only_breakage_is_refused() {
        let blemish = Blemish { table: "public.t".into(), name: "public.t_x_idx".into() };
        let unvalidated = Verified { unvalidated: vec![blemish.clone()], ..Verified::default() };
        assert!(unvalidated.check().is_ok() && unvalidated.is_sound());
        let invalid = Verified { invalid_indexes: vec![blemish], ..Verified::default() };
        let error = invalid.check().unwrap_err();
        assert!(error.help_text().unwrap().contains("DROP INDEX CONCURRENTLY public.t_x_idx;"));
        let unfinished = Verified { unfinished: vec!["1_x".into()], ..Verified::default() };
        assert!(unfinished.check().unwrap_err().to_string().contains("1_x"));
    }
}
