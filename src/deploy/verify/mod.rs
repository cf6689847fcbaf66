//! After a deploy: is the history whole, is the schema the expected one, and is anything broken that was not broken before?
//! Everything only reads, and none of it may take long.

mod check;
mod drift;
mod queries;
mod rows;
mod sequences;
pub mod settings;

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;

pub use self::check::{Check, Report, Status};
pub use self::drift::statements;
pub use self::queries::{Answer, Asked, Query};
pub use self::rows::{Change, Rows, Table};
pub use self::sequences::Sequence;
pub use self::settings::Drift;
use crate::catalog::live::{Difference, Live, Without, differences};
use crate::database::health::{Blemish, Health};
use crate::database::history::State;
use crate::database::{Failure, History};
use crate::error::{Explain as _, Result};
use crate::sql::{Name, Script};

/// What there was before the deploy.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Baseline {
    health: Health,
    names: BTreeSet<Name>,
    /// By object id, which survives a rename.
    tables: BTreeMap<u32, Table>,
    /// A script may have meant to remove rows.
    removes_rows: bool,
    behind: BTreeSet<Sequence>,
    asked: Vec<Asked>,
}

impl Baseline {
    /// Looks at the database's health, counts the tables that the scripts touch, and times the critical queries.
    ///
    /// # Errors
    /// The server's own; exit status 2 for a query that is none.
    pub fn take<'a>(
        client: &mut Client,
        schema: &str,
        scripts: impl IntoIterator<Item = &'a Script>,
        queries: &[Query],
    ) -> Result<Self> {
        let scripts: Vec<&Script> = scripts.into_iter().collect();
        let names = scripts.iter().flat_map(|script| rows::touched(script)).collect::<BTreeSet<_>>();
        let look = |client: &mut Client| -> Result<Self, Failure> {
            Ok(Self {
                health: Health::read(client)?,
                tables: rows::count(client, schema, &names, &[])?,
                removes_rows: scripts.iter().any(|script| rows::removes_rows(script)),
                behind: sequences::behind(client)?.behind,
                asked: Vec::new(),
                names,
            })
        };
        let mut baseline = look(client).explain(|| "could not look at the database before the deploy".into())?;
        baseline.asked = queries::ask(client, schema, queries)?;
        Ok(baseline)
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// Migrations that should be applied.
    pub applied: &'a [String],
    /// The definitions that should be there, and whose they are: the rehearsal's, the last deployment's.
    pub definitions: Option<(&'a Live, &'a str)>,
    /// What must still answer.
    pub queries: &'a [Query],
}

/// What there is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verified {
    /// Migrations that should be applied, and are not by the history.
    pub unfinished: Vec<String>,
    /// Where the definitions differ from the expected ones; none if there were none to compare with.
    pub differences: Option<Vec<Difference>>,
    /// Whose definitions they were.
    pub compared_with: String,
    /// Indexes that became invalid.
    pub invalid_indexes: Vec<Blemish>,
    /// Constraints that were added and hold for new rows only. A migration may mean that.
    pub unvalidated: Vec<Blemish>,
    /// The touched tables.
    pub tables: Vec<Change>,
    /// Tables that lost every row although no statement said so.
    pub emptied: Vec<String>,
    /// Sequences that fell behind their column.
    pub behind: Vec<Sequence>,
    /// Sequences that could not be looked at in time.
    pub unread_sequences: Vec<String>,
    /// What became of the critical queries.
    pub answers: Vec<Answer>,
}

/// What became of the rows that a deployment has left. Whoever works with the database may remove them, so that an empty table
/// is to be known, and no more.
///
/// # Errors
/// The server's own.
pub fn rows_since(client: &mut Client, left: &[Table], whose: &str) -> Result<Check> {
    let changes = rows::since(client, left).explain(|| "could not count the rows".into())?;
    let status = if changes.iter().any(Change::is_emptied) { Status::Warned } else { Status::Passed };
    let notes = changes.iter().map(|change| match change.is_emptied() {
        true => format!("lost its rows: {change}"),
        false => change.to_string(),
    });
    Ok(Check::new("rows", status, [format!("compared with {whose}")].into_iter().chain(notes)))
}

/// Asks the critical queries by themselves: a check each.
///
/// # Errors
/// If the connection is lost.
pub fn answers(client: &mut Client, schema: &str, queries: &[Query]) -> Result<Vec<Check>> {
    let asked = queries::ask(client, schema, queries)?;
    Ok(queries::judge(queries, &asked, &[]).iter().map(Check::of_answer).collect())
}

/// Compares with what there was before, and with what is expected.
///
/// # Errors
/// The server's own; what is found is in [`Verified`].
pub fn verify(client: &mut Client, schema: &str, baseline: &Baseline, expected: &Expected<'_>) -> Result<Verified> {
    let mut look = || -> Result<Verified, Failure> {
        let history = History::fetch(client, schema)?.unwrap_or_default();
        let health = Health::read(client)?.since(&baseline.health);
        let known: Vec<u32> = baseline.tables.keys().copied().collect();
        let mut now = rows::count(client, schema, &baseline.names, &known)?;
        let change = |(id, before): (&u32, &Table)| Change { before: Some(before.clone()), after: now.remove(id) };
        let mut tables: Vec<Change> = baseline.tables.iter().map(change).collect();
        tables.extend(now.into_values().map(|after| Change { before: None, after: Some(after) }));
        let emptied = tables.iter().filter(|change| !baseline.removes_rows && change.is_emptied());
        let sequences = sequences::behind(client)?;
        let differences = match expected.definitions {
            Some((definitions, _)) => Some(differences(definitions, &Live::read(client, &Without::default())?)),
            None => None,
        };
        let is_applied = |name: &&String| history.state(name) == Some(State::Applied);
        Ok(Verified {
            unfinished: expected.applied.iter().filter(|name| !is_applied(name)).cloned().collect(),
            differences,
            compared_with: expected.definitions.map(|(_, whose)| whose.to_owned()).unwrap_or_default(),
            invalid_indexes: health.invalid_indexes.into_iter().collect(),
            unvalidated: health.unvalidated.into_iter().collect(),
            emptied: emptied.map(ToString::to_string).collect(),
            tables,
            behind: sequences.behind.difference(&baseline.behind).cloned().collect(),
            unread_sequences: sequences.unread,
            answers: Vec::new(),
        })
    };
    let mut verified = look().explain(|| "could not verify the deploy".into())?;
    let asked = queries::ask(client, schema, expected.queries)?;
    verified.answers = queries::judge(expected.queries, &asked, &baseline.asked);
    Ok(verified)
}
