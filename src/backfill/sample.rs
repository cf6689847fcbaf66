//! What a backfill would write, without writing.

use postgres::IsolationLevel;

use super::statements::Statements;
use super::{APPLICATION, Job, key, nothing};
use crate::database::Failure;
use crate::error::{Explain as _, Result};
use crate::phases::{Kind, Scripts, Side, session};

/// So many rows are shown.
const SHOWN: usize = 10;

/// A row before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `id = 7`.
    pub key: String,
    /// What the new value is made of; nothing where that is not known.
    pub from: Option<String>,
    /// What the column holds now.
    pub before: Option<String>,
    /// What it would hold.
    pub after: Option<String>,
}

/// Some rows, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// The rows of the table, by estimate.
    pub rows: u64,
    pub changes: Vec<Change>,
}

/// Looks at some rows that are empty, in a transaction that only reads.
///
/// # Errors
/// The server's own: an expression that fails on one of them.
pub fn sample(job: &Job<'_>) -> Result<Sample> {
    let mut client = session::open(job.url, APPLICATION)?;
    let key = key(&mut client, job.plan)?;
    let scripts = Scripts { plan: job.plan, default_schema: "", shown: "" };
    let statements = Statements::of(&scripts, key).ok_or_else(|| nothing(job.plan))?;
    let from = match job.plan.kind {
        Kind::Require | Kind::Drop | Kind::Table => "NULL::text".to_owned(),
        _ => text(job.plan.old.iter().map(Side::quoted)),
    };
    let (before, after) = statements.fills.iter().cloned().unzip::<_, _, Vec<_>, Vec<_>>();
    let ask = format!(
        "SELECT {}, {from}, {}, {} FROM {} WHERE {} LIMIT {SHOWN}",
        statements.key.texts(),
        text(before.into_iter()),
        text(after.into_iter()),
        statements.table,
        statements.empty()
    );
    let mut read = || -> Result<Sample, Failure> {
        let mut transaction =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()?;
        let rows = transaction.query_typed(&ask, &[])?;
        let change = |row: &postgres::Row| {
            let key: Vec<String> = row.try_get(0)?;
            Ok(Change {
                key: statements.key.said(&key),
                from: row.try_get(1)?,
                before: row.try_get(2)?,
                after: row.try_get(3)?,
            })
        };
        let changes = rows.iter().map(change).collect::<Result<Vec<_>, postgres::Error>>()?;
        let rows = if statements.key.columns.is_empty() { 0 } else { statements.rows(&mut transaction)? };
        Ok(Sample { rows, changes })
    };
    read().explain(|| format!("could not look at the rows of {}", job.plan.object()))
}

/// SQL: values as people read them, several as `a | b`; nothing where all are empty.
fn text(values: impl Iterator<Item = String>) -> String {
    let values: Vec<String> = values.map(|value| format!("({value})::text")).collect();
    match values.as_slice() {
        [one] => one.clone(),
        several => format!("nullif(array_to_string(ARRAY[{}], ' | '), '')", several.join(", ")),
    }
}
