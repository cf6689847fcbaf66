//! What is left of a migration that is applied in sections and was cut short: only that is judged, and applied.

use crate::catalog::Catalog;
use crate::database::History;
use crate::database::history::Progress;
use crate::project::Migration;
use crate::rules::columns::Columns;
use crate::sql::{Script, Section, Untold, Whole};

/// The sections of a script behind what `catalog` holds. They must not change while the migration goes on: where `progress` is
/// known, the cut is the one that has as many.
///
/// # Errors
/// Why it cannot be taken apart.
pub fn cut(script: &Script, catalog: &Catalog, progress: Option<Progress>) -> Result<Vec<Section>, Whole> {
    let known = script.sections(&Columns(catalog))?;
    match progress {
        Some(progress) if known.len() != progress.of => script.sections(&Untold),
        _ => Ok(known),
    }
}

/// The migration with the statements of the sections that are applied left blank: what the next review is about.
pub fn rest(migration: &Migration, catalog: &Catalog, history: &History) -> Migration {
    let Some((_, progress)) = history.going_on(migration) else { return migration.clone() };
    let script = migration.script();
    let Ok(sections) = cut(script, catalog, Some(progress)) else { return migration.clone() };
    let mut sql = migration.sql.as_str().as_bytes().to_vec();
    for section in sections.iter().take(progress.done) {
        for range in section.statements.iter().filter_map(|at| script.statements().get(*at)).map(|it| it.range.clone())
        {
            for byte in &mut sql[range] {
                if !matches!(*byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
        }
    }
    String::from_utf8(sql).map_or_else(|_| migration.clone(), |sql| Migration { sql: sql.into(), ..migration.clone() })
}
