//! What stands between the migrations folder and Prisma's history on the target, as findings: `prisma migrate deploy`
//! and `status` compare no checksum, so a changed file goes unnoticed until the next `migrate dev`.

use std::path::Path;

use super::Reviewed;
use crate::project::Migration;
use crate::rules::history;

/// A migration for each applied one that was `edited` since or is `missing` from `folder`, which holds `migrations`.
pub fn standing(edited: &[String], missing: &[String], migrations: &[Migration], folder: &Path) -> Vec<Reviewed> {
    let edited = edited.iter().filter_map(|name| {
        let migration = migrations.iter().find(|migration| migration.name == *name)?;
        Some(Reviewed::standing(migration.clone(), history::edited(name)))
    });
    let missing = missing.iter().map(|name| {
        let path = folder.join(name).join("migration.sql");
        let gone = Migration { name: name.clone(), path, sql: String::new() };
        Reviewed::standing(gone, history::missing(name))
    });
    edited.chain(missing).collect()
}
