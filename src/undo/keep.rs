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

/// The id of a migration's row, with the definitions before and after it.
pub type Around = (String, (Live, Live));

/// What the last try of keeping took and kept.
#[derive(Debug, Default)]
pub struct Watch {
    pub took: Cell<Duration>,
    pub kept: RefCell<Vec<Capture>>,
    /// Where they are in no capsule.
    pub definitions: RefCell<Option<Around>>,
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
    /// How much of it is committed.
    committed: usize,
    /// Why what the next statement destroys could not be kept: its data does not fit, and the statement fails by itself.
    unfit: Option<Failure>,
    /// The definitions before and after, where nothing is destroyed and so no capsule made.
    definitions: (Option<Live>, Option<Live>),
    /// Receives how long the last try of saving took, and what was saved.
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
            committed: 0,
            unfit: None,
            definitions: (None, None),
            watch: None,
        }
    }

    /// Has it tell.
    #[must_use]
    pub fn watched(self, watch: &'a Watch) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// The id of the migration's row, which is there by now.
    fn row(&self, client: &mut Client, migration: &Prepared) -> Result<String, Failure> {
        let query = format!(
            "SELECT id::text FROM {} WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL",
            history::table(self.schema)
        );
        Ok(client.query_typed_one(&query, &[(&migration.name, Type::TEXT)])?.try_get(0)?)
    }

    /// The definitions as they are now, where they are to be kept.
    fn read(&self, client: &mut Client) -> Result<Option<Live>, Failure> {
        match self.plan.unread {
            true => Ok(None),
            false => Live::read_with_rights(client, &Without::default()).map(Some),
        }
    }

    fn took(&self, since: Instant) {
        if let Some(Watch { took, .. }) = self.watch {
            took.set(took.get() + since.elapsed());
        }
    }

    /// What was read where no capsule has it.
    pub fn definitions(self) -> Option<Around> {
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
        self.unfit = None;
        self.watch.into_iter().for_each(|watch| watch.took.set(Duration::ZERO));
        self.id = self.row(client, migration)?;
        if self.plan.is_empty() {
            self.definitions.0 = self.read(client)?;
            return Ok(());
        }
        capsule::prepare(client)?;
        capsule::open(client, &self.id, &migration.name, &migration.checksum)
    }

    fn again(&mut self, client: &mut Client, migration: &Prepared) -> Result<(), Failure> {
        if self.id.is_empty() {
            // an earlier deploy has kept what the sections before this one destroyed
            self.id = self.row(client, migration)?;
            if !self.plan.is_empty() {
                capsule::prepare(client)?;
                match capsule::captures(client, &self.id)? {
                    Some(kept) => self.kept = kept,
                    None => capsule::open(client, &self.id, &migration.name, &migration.checksum)?,
                }
                self.committed = self.kept.len();
            }
        }
        self.open.clear();
        self.unfit = None;
        self.kept.truncate(self.committed);
        Ok(())
    }

    fn committed(&mut self) {
        self.committed = self.kept.len();
    }

    fn instead(&mut self, client: &mut Client, piece: &Range<usize>) -> Result<bool, Failure> {
        let start = Instant::now();
        self.finish(client)?;
        let mine = |number: usize| {
            self.plan.statements.get(number - 1).is_some_and(|statement| piece.contains(&statement.start))
        };
        for (number, loss) in self.plan.losses.losses.iter().filter(|(number, _)| mine(*number)) {
            let storage = storage(&self.id, self.kept.len() + self.open.len() + 1, &loss.table().name);
            client.batch_execute("SAVEPOINT prisma_safe_capture")?;
            match capture::begin(client, self.schema, *number, loss, storage, &self.open) {
                Ok(open) => {
                    client.batch_execute("RELEASE SAVEPOINT prisma_safe_capture")?;
                    self.open.extend(open);
                }
                // what the migration makes of the values is computed here first: the error belongs to its statement
                Err(failure) if failure.is_unfit_data() => {
                    client.batch_execute("ROLLBACK TO SAVEPOINT prisma_safe_capture")?;
                    self.unfit = Some(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        self.took(start);
        Ok(false)
    }

    fn sent(&mut self, _: &mut Client, _: &Range<usize>) -> Result<(), Failure> {
        // the statement went through all the same, and what it destroyed is nowhere
        self.unfit.take().map_or(Ok(()), Err)
    }

    fn after(&mut self, client: &mut Client) -> Result<(), Failure> {
        let start = Instant::now();
        self.finish(client)?;
        self.took(start);
        if let Some(watch) = self.watch {
            watch.kept.replace(self.kept.clone());
        }
        if self.plan.is_empty() {
            self.definitions.1 = self.read(client)?;
            if let (Some(watch), (Some(before), Some(after))) = (self.watch, &self.definitions) {
                watch.definitions.replace(Some((self.id.clone(), (before.clone(), after.clone()))));
            }
            return Ok(());
        }
        capsule::close(client, &self.id, &self.kept, self.plan.measured.as_deref())
    }
}

/// The name of one of our tables: unique, and short enough.
fn storage(id: &str, number: usize, table: &str) -> String {
    const TABLE_BYTES: usize = 36;
    let id = id.get(..8).unwrap_or(id);
    format!("{id}_{number}_{}", &table[..table.floor_char_boundary(TABLE_BYTES)])
}
