//! The way each migration takes into the database.

use super::Deployment;
use crate::catalog::Catalog;
use crate::deploy::{self, Route};
use crate::error::Result;

impl Deployment<'_> {
    /// The way each migration takes; one that is applied in sections says so before anything has happened.
    pub(super) fn routes(&mut self) -> Result<Vec<Route>> {
        let history = self.preflight.history.clone().unwrap_or_default();
        let schema = self.target.url.schema();
        // a locked table keeps them from being read: then the files alone decide
        let world = match &self.definitions {
            Some(_) => self.before_pending()?,
            None => Catalog::new(&schema),
        };
        let routes = deploy::routes(self.pending, world, &history)?;
        for (migration, route) in self.pending.iter().zip(&routes) {
            let Route::Sections(sections) = route else { continue };
            if sections.only_alone().is_some() {
                continue;
            }
            let done = history.going_on(migration).map_or(0, |(_, progress)| progress.done);
            let said = sections.said();
            let from = if done > 0 { format!(", {done} of them applied already") } else { String::new() };
            self.command.context.shell.note(format_args!(
                "{} is applied in {} sections{from}, each whole or not at all: {}",
                migration.name,
                said.len(),
                said.get(done..).unwrap_or_default().join("; ")
            ));
        }
        Ok(routes)
    }
}
