//! Data steps on the copy: each beside the copy as it was just before, with every value compared.

use std::time::Duration;

use serde::Serialize;

use super::budget::seconds;
use super::compared::{Compared, Sides, compared};
use super::contained::reaching;
use super::milliseconds;
use super::report::{fate, line};
use super::{CLONE, Data, Original};
use crate::catalog::live::{Difference, Kind, differences};
use crate::conservation::Loss;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::phases::Plan;
use crate::project::Migration;
use crate::rename::schema::Schema;
use crate::steps::{Declared, Due, Starter, Step};
use crate::values::{Since, TableFate, Touched};

/// The copy as it was before a step.
const BEFORE: &str = "rehearsal_before_step";

/// The steps of a rehearsal.
#[derive(Clone, Copy, Default)]
pub struct Steps<'a> {
    /// Those that are due, in order.
    pub due: &'a [Due],
    /// What they run with; none where there are none.
    pub starter: Option<&'a Starter<'a>>,
    /// Prisma's names.
    pub declared: Option<&'a Schema>,
    /// The project's plans: their triggers write beside a step.
    pub plans: &'a [Plan],
}

/// A step that ran on a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stepped {
    pub name: String,
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub took: Duration,
    /// What it changed.
    pub tables: Vec<TableFate>,
    /// What it changed beyond what it declares.
    pub beyond: Vec<String>,
    /// Its file.
    #[serde(skip)]
    pub file: String,
}

impl Stepped {
    /// Refuses what it does not declare.
    ///
    /// # Errors
    /// Exit status 3, a line for each.
    pub fn check(&self) -> Result<()> {
        if self.beyond.is_empty() {
            return Ok(());
        }
        Err(Error::refused(format!(
            "on the copy the data step {} changed more than it declares: nothing has happened to the database",
            self.name
        ))
        .because(self.beyond.join("\n"))
        .help(format!("correct it; or name what it may change as `touches` in {}", self.file)))
    }

    /// For people.
    pub fn tell(&self, text: &mut String) {
        line(text, 0, &format!("data step {}: {}", self.name, seconds(self.took)));
        let changed = |table: &&TableFate| super::brief::is_notable(table) || table.rows_before.is_none();
        let mut inner = String::new();
        self.tables.iter().filter(changed).for_each(|table| fate(&mut inner, table));
        inner.lines().for_each(|told| line(text, 1, told));
        self.beyond.iter().for_each(|told| line(text, 1, &format!("not declared: {told}")));
    }
}

impl Steps<'_> {
    /// Whether nothing is due; what is skipped runs nowhere.
    pub fn is_empty(&self) -> bool {
        self.running().next().is_none()
    }

    fn running(&self) -> impl Iterator<Item = &Step> {
        self.due.iter().filter(|due| !due.skipped).map(|due| &due.step)
    }

    /// `1 data step`; none without any.
    pub(super) fn said(&self) -> Option<String> {
        match self.running().count() {
            0 => None,
            1 => Some("1 data step".into()),
            many => Some(format!("{many} data steps")),
        }
    }

    /// Refuses SQL that reaches beyond the database, as in a migration.
    pub(super) fn demand_contained(&self) -> Result<()> {
        let of = |step: &Step| {
            let sql = step.sql.clone()?;
            Some(Migration { name: step.name.clone(), path: step.path.clone(), sql: sql.into() })
        };
        let scripts: Vec<Migration> = self.running().filter_map(of).collect();
        match reaching(&scripts).as_slice() {
            [] => Ok(()),
            found => Err(Error::refused("a data step would reach beyond the copy that it is rehearsed on")
                .because(found.join("\n"))
                .help("do this outside of the step")),
        }
    }

    /// Whether any follows this migration.
    pub(super) fn follow(&self, migration: &str) -> bool {
        self.running().any(|step| step.after == migration)
    }

    /// What comes before the first pending migration: steps that an earlier deploy has left.
    pub(super) fn before(
        &self,
        original: &Original,
        copy: &str,
        (pending, schema): (&[Migration], &str),
    ) -> Result<Vec<Stepped>> {
        let first = self.running().filter(|step| !pending.iter().any(|migration| migration.name == step.after));
        first.map(|step| self.measured(original, copy, (step, schema))).collect()
    }

    /// What comes behind a migration.
    pub(super) fn after(
        &self,
        original: &Original,
        copy: &str,
        (migration, schema): (&str, &str),
    ) -> Result<Vec<Stepped>> {
        let next = self.running().filter(|step| step.after == migration);
        next.map(|step| self.measured(original, copy, (step, schema))).collect()
    }

    /// The losses that a step declares.
    pub(super) fn cover(&self, losses: &mut [Loss]) {
        let Some(schema) = self.declared else { return };
        for step in self.running() {
            let declared = self.declared_by(step, schema);
            for loss in losses.iter_mut().filter(|loss| loss.covered_by.is_none() && declared.covers(loss)) {
                loss.covered_by = Some(format!("the data step {} declares it", step.name));
            }
        }
    }

    /// What a step declares, and the new columns of open plans: their triggers fill these in every row that anyone writes.
    fn declared_by(&self, step: &Step, names: &Schema) -> Declared {
        let open = self.plans.iter().filter(|plan| plan.is_open());
        let new = open.flat_map(|plan| {
            let tables = [plan.table.clone(), plan.object().to_string()];
            plan.new.iter().flat_map(move |new| tables.clone().map(|table| format!("{table}.{}", new.column)))
        });
        Declared::of(step, names).beside(new)
    }

    /// Runs one on the copy, beside the copy as it is now.
    fn measured(&self, original: &Original, copy: &str, (step, schema): (&Step, &str)) -> Result<Stepped> {
        let (Some(starter), Some(names)) = (self.starter, self.declared) else {
            return Err(Error::failed(format!("nothing says how the data step {} runs", step.name)));
        };
        let since = original.copy_of(copy, BEFORE)?;
        let stepped = run(original, (copy, since), (step, schema), starter, &self.declared_by(step, names));
        original.drop_copy(BEFORE)?;
        stepped
    }
}

/// Runs a step by itself on a copy of the original.
///
/// # Errors
/// Its own failure, which has happened to the copy only; the scratch server's own; Ctrl-C.
pub fn alone(original: &mut Original, steps: Steps<'_>, schema: &str) -> Result<Vec<Stepped>> {
    steps.demand_contained()?;
    original.make_ready()?;
    original.copy(CLONE)?;
    let stepped = steps.before(original, CLONE, (&[], schema));
    original.let_go(CLONE)?;
    stepped
}

/// Whether a definition got something that neither rows nor losses tell of.
fn gained(difference: &Difference) -> bool {
    let Difference { kind, part, left, right, .. } = difference;
    match part.as_deref() {
        // a table or column that came is seen with its rows
        None => right.is_some() && !matches!(kind, Kind::Table | Kind::Column),
        Some("nullability") => right.as_deref() == Some("NOT NULL"),
        Some(_) => left.is_none(),
    }
}

fn run(
    original: &Original,
    (copy, since): (&str, Since),
    (step, schema): (&Step, &str),
    starter: &Starter<'_>,
    declared: &Declared,
) -> Result<Stepped> {
    let url = original.url(copy, schema)?;
    let ran = starter.on_copy(step, &url)?;
    ran.result.map_err(|error| match error.exit() {
        Exit::Cancelled => error.help("it ran on the copy: nothing has happened to the database"),
        _ => error
            .within("a data step failed on the copy: nothing has happened to the database")
            .help(format!("correct it: {}", step.shown())),
    })?;
    let mut sides = Sides::open(original, (BEFORE, copy), schema)?;
    let compared = compared(&mut sides, (&Touched::All, since), schema, &starter.interrupt);
    let Compared { definitions, tables, losses, was } = compared.map_err(|error| match error.exit() {
        Exit::Cancelled => error,
        _ => error.within(format!("could not compare the copy around the data step {}", step.name)),
    })?;
    let beyond = match original.data() {
        Data::Full => {
            let mut beyond = declared.beyond(&tables, &losses, |table| was.wholes_of(table, schema));
            let differences = differences(&definitions.0, &definitions.1);
            beyond.extend(differences.iter().filter(|difference| gained(difference)).map(ToString::to_string));
            beyond
        }
        // without rows there is nothing to see
        Data::Schema => Vec::new(),
    };
    Ok(Stepped { name: step.name.clone(), took: ran.took, tables, beyond, file: step.shown() })
}
