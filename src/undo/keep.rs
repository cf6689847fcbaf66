//! Keeping what a migration destroys, inside the migration's own transaction.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::types::Type;

use super::capsule;
use super::capture::{self, Capture, Open};
use super::plan::Plan;
use crate::catalog::live::{Live, Without};
use crate::database::{Failure, history};
use crate::deploy::{Hook, Prepared};

/// What the last try of keeping took and kept.
#[derive(Debug, Default)]
pub struct Watch {
    pub took: Cell<Duration>,
    pub kept: RefCell<Vec<Capture>>,
}

/// Keeps what a migration destroys, in its own transaction.
#[derive(Debug)]
pub struct Keeper<'a> {
    plan: &'a Plan,
    /// The schema with Prisma's history.
    schema: &'a str,
    /// The capsule: the id of the migration's row in the history.
    id: String,
    open: Vec<Open>,
    /// What was kept in the last try.
    pub kept: Vec<Capture>,
    /// The definitions before and after, where nothing is destroyed and so no capsule made.
    definitions: (Option<Live>, Option<Live>),
    /// Who is told how long the last try of keeping took, and what was kept.
    watch: Option<&'a Watch>,
}

impl<'a> Keeper<'a> {
    /// A keeper for a migration with this plan.
    pub fn new(plan: &'a Plan, schema: &'a str) -> Self {
        Self {
            plan,
            schema,
            id: String::new(),
            open: Vec::new(),
            kept: Vec::new(),
            definitions: (None, None),
            watch: None,
        }
    }

    /// Has it tell.
    #[must_use]
    pub fn watched(self, watch: &'a Watch) -> Self {
        Self { watch: Some(watch), ..self }
    }

    fn took(&self, since: Instant) {
        if let Some(Watch { took, .. }) = self.watch {
            took.set(took.get() + since.elapsed());
        }
    }

    /// The id of the migration's row, with the definitions before and after it where they are in no capsule.
    pub fn definitions(self) -> Option<(String, (Live, Live))> {
        let (before, after) = self.definitions;
        Some((self.id, (before?, after?)))
    }

    fn finish(&mut self, client: &mut Client) -> Result<(), Failure> {
        // children first: they are compared by their parents' rows aside
        for open in self.open.drain(..).rev() {
            self.kept.push(open.finish(client)?);
        }
        Ok(())
    }
}

impl Hook for Keeper<'_> {
    fn before(&mut self, client: &mut Client, migration: &Prepared) -> Result<(), Failure> {
        self.open.clear();
        self.kept.clear();
        self.watch.into_iter().for_each(|watch| watch.took.set(Duration::ZERO));
        let query = format!(
            "SELECT id::text FROM {} WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL",
            history::table(self.schema)
        );
        self.id = client.query_typed_one(&query, &[(&migration.name, Type::TEXT)])?.try_get(0)?;
        if self.plan.is_empty() {
            self.definitions.0 = Some(Live::read_with_rights(client, &Without::default())?);
            return Ok(());
        }
        capsule::prepare(client)?;
        capsule::open(client, &self.id, &migration.name, &migration.checksum)
    }

    fn instead(&mut self, client: &mut Client, piece: &Range<usize>) -> Result<bool, Failure> {
        let start = Instant::now();
        self.finish(client)?;
        let mine = |number: usize| {
            self.plan.statements.get(number - 1).is_some_and(|statement| piece.contains(&statement.start))
        };
        for (number, loss) in self.plan.losses.losses.iter().filter(|(number, _)| mine(*number)) {
            let storage = storage(&self.id, self.kept.len() + self.open.len() + 1, &loss.table().name);
            let open = capture::begin(client, *number, loss, storage, &self.open)?;
            self.open.extend(open);
        }
        self.took(start);
        Ok(false)
    }

    fn after(&mut self, client: &mut Client) -> Result<(), Failure> {
        let start = Instant::now();
        self.finish(client)?;
        self.took(start);
        if let Some(watch) = self.watch {
            watch.kept.replace(self.kept.clone());
        }
        if self.plan.is_empty() {
            self.definitions.1 = Some(Live::read_with_rights(client, &Without::default())?);
            return Ok(());
        }
        capsule::close(client, &self.id, &self.kept, self.plan.measured.as_deref())
    }
}

/// The name of a table of ours: unlike any other's, and short enough.
fn storage(id: &str, number: usize, table: &str) -> String {
    const TABLE_BYTES: usize = 36;
    let id = id.get(..8).unwrap_or(id);
    format!("{id}_{number}_{}", &table[..table.floor_char_boundary(TABLE_BYTES)])
}
