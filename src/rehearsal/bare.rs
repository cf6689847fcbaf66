//! What a rehearsal says of losses, on two databases that stand ready and without Prisma's engine: for proof by generation.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use postgres::Client;

use super::coverage::Coverage;
use super::tracing::Tracing;
use super::{Rehearsed, locks, written};
use crate::catalog::Catalog;
use crate::catalog::live::Live;
use crate::conservation::{self, Census, Loss, Written};
use crate::database::DatabaseUrl;
use crate::deploy::{Hook, Prepared, Runner, Settings};
use crate::error::{Explain as _, Result};
use crate::project::Migration;
use crate::review::Reviewed;
use crate::values::{Since, Touched, compare};

/// The migrations with their hooks, as they are played.
pub(crate) struct Bare<'a> {
    pub(crate) pending: &'a [Migration],
    pub(crate) reviewed: &'a [Reviewed],
    /// The original's.
    pub(crate) census: &'a Census,
    pub(crate) definitions: &'a Live,
    pub(crate) schema: &'a str,
    pub(crate) settings: Settings,
}

impl Bare<'_> {
    /// Applies the migrations to `copy`, and tells what is lost and which statement wrote what. `before` is a session in the
    /// original, `after` one in the copy.
    pub(crate) fn rehearse(
        &self,
        (before, copy, after): (&mut Client, &DatabaseUrl, &mut Client),
        prepared: &[Prepared],
        hooks: &mut [&mut dyn Hook],
    ) -> Result<(Vec<Loss>, Vec<Written>)> {
        let since = Since::read(after).explain(|| "looking at the copy".into())?;
        let mut touched = Touched::These(std::collections::BTreeSet::new());
        let mut rehearsed = Vec::new();
        let mut runner = Runner::open(copy.clone(), self.settings, Arc::new(AtomicBool::new(false)))?;
        for (migration, hook) in prepared.iter().zip(hooks) {
            let mut tracing = Tracing::new(self.schema, &mut **hook);
            runner.apply(migration, &mut tracing)?;
            let traced = tracing.finish();
            touched.add(traced.touched);
            rehearsed.push(Rehearsed {
                name: migration.name.clone(),
                atomic: true,
                took: Duration::ZERO,
                wal_bytes: 0,
                locks: locks::longest(traced.holds),
                rewrites: Vec::new(),
                indexes: Vec::new(),
                statements: traced.statements,
            });
        }
        let tables = compare((before, after), (&touched, since), self.schema).explain(|| "comparing".into())?;
        let is = Census::read(after).explain(|| "reading the objects".into())?;
        let mut losses = conservation::losses(&tables, (self.census, &is), self.schema);
        let Self { pending, reviewed, schema, .. } = *self;
        let world = Catalog::of_target(schema, self.definitions);
        Coverage::new(&world, pending, reviewed, schema).cover(&mut losses, &rehearsed);
        let written = written::written(&rehearsed, &tables);
        Ok((losses, written))
    }
}
