//! Applying migrations, each in one transaction.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::body::{Migrating, SectionBody, Stop};
use super::error::ApplyError;
use super::hook::Hook;
use super::{APPLICATION_NAME, Prepared, Settings};
use crate::database::{DatabaseUrl, Session};
use crate::error::{Error, Result};
use crate::guard::Pass;
use crate::transaction::{self, Failed};
use crate::ui::Shell;

/// A migration that is applied now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The directory's name.
    pub name: String,
    /// From the first try to the commit.
    pub took: Duration,
    /// How many tries it needed.
    pub tries: u32,
    /// Sessions that were in the way, idle in a transaction, and were ended (`deploy.end-idle-in-transaction-seconds`).
    pub ended: Vec<Session>,
}

/// Applies migrations over one connection, with a second one that looks on.
#[derive(Debug)]
pub struct Runner(pub(super) transaction::Runner);

impl Runner {
    /// Connects. When `interrupt` becomes true, what runs is cancelled and rolled back.
    ///
    /// # Errors
    /// Those of [`crate::database::connect`].
    pub fn open(url: DatabaseUrl, settings: Settings, interrupt: Arc<AtomicBool>) -> Result<Self> {
        Self::admitted(url, settings, interrupt, &Pass::none())
    }

    /// The same for a database that may have a guard.
    ///
    /// # Errors
    /// As [`Runner::open`], and where no token is issued.
    pub fn admitted(url: DatabaseUrl, settings: Settings, interrupt: Arc<AtomicBool>, pass: &Pass) -> Result<Self> {
        transaction::Runner::admitted(url, APPLICATION_NAME, settings, interrupt, pass.clone()).map(Self)
    }

    /// Says there why it waits.
    #[must_use]
    pub fn speaking_to(self, shell: &Shell) -> Self {
        Self(self.0.speaking_to(shell))
    }

    /// Applies one migration with its row in Prisma's history and what the hook adds: all of it, or nothing.
    ///
    /// # Errors
    /// See [`ApplyError`]: each variant says what it leaves behind.
    pub fn apply(&mut self, prepared: &Prepared, hook: &mut dyn Hook) -> Result<Applied, ApplyError> {
        let schema = self.0.url().schema();
        let committed = self.0.run(&mut Migrating::new(prepared, &schema, hook));
        let transaction::Committed { took, tries, ended, .. } = committed.map_err(|failed| told(failed, prepared))?;
        Ok(Applied { name: prepared.name.clone(), took, tries, ended })
    }
}

impl Runner {
    /// Applies a section; gives how many tries it needed.
    pub(super) fn run_section(&mut self, body: &mut SectionBody<'_>, whole: &Prepared) -> Result<u32, ApplyError> {
        let committed = self.0.run(body).map_err(|failed| told(failed, whole))?;
        body.committed();
        Ok(committed.tries)
    }
}

/// Why a statement outside of any transaction did not run.
pub(super) fn outside(failed: Failed<Error>, migration: &str) -> ApplyError {
    named(failed, migration, ApplyError::Unconnected)
}

fn told(failed: Failed<Stop>, prepared: &Prepared) -> ApplyError {
    let migration = prepared.name.clone();
    named(failed, &prepared.name, |stop| match stop {
        Stop::NoId(error) => ApplyError::Unconnected(error),
        Stop::Uncaptured(failure) => ApplyError::Uncaptured { migration, failure },
        Stop::Applied => ApplyError::AppliedMeanwhile { migration },
        Stop::FailedBefore(failed) => ApplyError::FailedBefore { migration, failed },
    })
}

/// What failed, with the migration that it failed in; `stopped` tells why the work itself stopped.
fn named<S>(failed: Failed<S>, migration: &str, stopped: impl FnOnce(S) -> ApplyError) -> ApplyError {
    let migration = migration.to_owned();
    match failed {
        Failed::Refused { place, failure } => ApplyError::Refused { migration, place, failure },
        Failed::Locked { place, failure, blockers, tries, waited } => {
            ApplyError::Locked { migration, place, failure, blockers, tries, waited }
        }
        Failed::CatalogChanged { blockers } => ApplyError::CatalogChanged { migration, blockers },
        Failed::Busy { holders } => ApplyError::Busy { migration, holders },
        Failed::Cut { failure } => ApplyError::Cut { migration, failure },
        Failed::Unknown { failure } => ApplyError::Unknown { migration, failure },
        Failed::Torn => ApplyError::Torn { migration },
        Failed::Interrupted => ApplyError::Interrupted { migration },
        Failed::Unconnected(error) => ApplyError::Unconnected(error),
        Failed::Stopped(stop) => stopped(stop),
    }
}
