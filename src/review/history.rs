//! What stands between the migrations folder and Prisma's history on the target, as findings: `prisma migrate deploy`
//! and `status` compare no checksum, so a changed file goes unnoticed until the next `migrate dev`.

use std::path::Path;

use super::Reviewed;
use crate::database::Standing;
use crate::project::Migration;
use crate::rules::history;

/// A migration for each applied one that was edited since or is missing from `folder`, which holds `migrations`, and for each
/// pending one that is older than an applied one.
pub fn standing(known: &Standing, migrations: &[Migration], folder: &Path) -> Vec<Reviewed> {
    let of = |name: &String| migrations.iter().find(|migration| migration.name == *name).cloned();
    let edited = known.edited.iter().filter_map(|name| Some(Reviewed::standing(of(name)?, history::edited(name))));
    let missing = known.missing.iter().map(|name| {
        let path = folder.join(name).join("migration.sql");
        let gone = Migration { name: name.clone(), path, sql: "".into() };
        Reviewed::standing(gone, history::missing(name))
    });
    let newest = known.applied.iter().filter(|name| !known.missing.contains(name)).max();
    let late = known.pending.iter().filter_map(|name| {
        let newest = newest.filter(|newest| *newest > name)?;
        Some(Reviewed::standing(of(name)?, history::late(name, newest)))
    });
    edited.chain(missing).chain(late).collect()
}
