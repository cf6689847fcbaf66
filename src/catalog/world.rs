//! The world that migrations find: what migration files build, and what a target was read to hold.

use super::Catalog;
use super::live::Live;
use crate::project::Migration;

impl Catalog {
    /// What these migrations build, in this order.
    pub fn of<'m>(default_schema: &str, migrations: impl IntoIterator<Item = &'m Migration>) -> Self {
        let mut catalog = Self::new(default_schema);
        for migration in migrations {
            migration.sql.look(|script| catalog.apply(script, &migration.name));
        }
        catalog
    }

    /// The target's definitions, spelled as the migrations that have run there spell them.
    pub fn of_target_after<'m>(
        default_schema: &str,
        live: &Live,
        applied: impl IntoIterator<Item = &'m Migration>,
    ) -> Self {
        Self::of_target(default_schema, live).spelled_like(&Self::of(default_schema, applied))
    }
}
