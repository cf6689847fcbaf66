//! What the statements of the pending migrations do, each effect by the names that were there before all of them: those that a
//! measured loss has.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::catalog::{Catalog, ObjectName};
use crate::effects::{self, Effect, Scene, What};
use crate::project::Migration;
use crate::rules::origins::Origins;
use crate::sql::Statement;

/// A pending migration.
#[derive(Debug)]
pub(super) struct Acting<'a> {
    pub(super) name: &'a str,
    /// Names that its tables have just before it, with those they had before all migrations.
    pub(super) before: BTreeMap<String, String>,
    pub(super) acts: Vec<Act<'a>>,
}

/// A statement.
#[derive(Debug)]
pub(super) struct Act<'a> {
    pub(super) line: usize,
    pub(super) statement: &'a Statement,
    pub(super) text: &'a str,
    /// The table of `ALTER TABLE`, by its name before all migrations.
    pub(super) altered: Option<String>,
    pub(super) deeds: Vec<Deed>,
}

/// An effect.
#[derive(Debug)]
pub(super) struct Deed {
    /// The statement's or action's bytes.
    pub(super) range: Range<usize>,
    pub(super) what: What,
    /// Its table as the review calls it at this point.
    pub(super) now: String,
    /// The same before all migrations; none for one that they have made, and for what is about no table.
    pub(super) table: Option<String>,
    /// The columns that it is about, before all migrations, those that were there.
    pub(super) columns: Vec<String>,
}

/// Walks through the migrations on a world.
pub(super) fn acting<'a>(world: &Catalog, pending: &'a [Migration]) -> Vec<Acting<'a>> {
    let mut catalog = world.clone();
    let mut origins = Origins::default();
    let mut acting = Vec::with_capacity(pending.len());
    for migration in pending {
        let script = migration.script();
        let mut end = catalog.clone();
        end.apply(script, &migration.name);
        let names = catalog
            .tables
            .keys()
            .filter_map(|name| Some((label(&catalog, name), label(&catalog, &origins.table(name)?))));
        let before = names.collect();
        let mut acts = Vec::with_capacity(script.statements().len());
        catalog.walk(script, &migration.name, |catalog, statement| {
            let scene = Scene::new(script, statement, catalog, &end);
            let effects = effects::of(&scene);
            acts.push(Act {
                line: script.position(statement.range.start).line,
                statement,
                text: script.text().get(statement.range.clone()).unwrap_or_default(),
                altered: altered(&scene).and_then(|table| origins.table(&table)).map(|table| label(catalog, &table)),
                deeds: effects.iter().map(|effect| deed(effect, catalog, &origins)).collect(),
            });
            origins.follow(&scene, &effects);
        });
        acting.push(Acting { name: &migration.name, before, acts });
    }
    acting
}

fn altered(scene: &Scene<'_>) -> Option<ObjectName> {
    match &scene.statement.kind {
        crate::sql::StatementKind::AlterTable { table, .. } => Some(scene.before.resolve(table)),
        _ => None,
    }
}

fn deed(effect: &Effect, catalog: &Catalog, origins: &Origins) -> Deed {
    let table = effect.what.table();
    let named: Vec<&String> = match &effect.what {
        What::ColumnGone { column, .. }
        | What::AttributeGone { column, .. }
        | What::Converted { column, .. }
        | What::LabelsGone { column, .. }
        | What::DefaultChanged { column, .. }
        | What::IdentityChanged { column, .. }
        | What::ExpressionChanged { column, .. } => vec![column],
        What::ValuesOverwritten { columns, .. } => columns.iter().collect(),
        _ => Vec::new(),
    };
    let was = |column: &&String| origins.column(table?, column);
    Deed {
        range: effect.range.clone(),
        what: effect.what.clone(),
        now: table.map(|table| label(catalog, table)).unwrap_or_default(),
        table: table.and_then(|table| origins.table(table)).map(|table| label(catalog, &table)),
        columns: named.iter().filter_map(was).collect(),
    }
}

/// A name as people read it: the default schema is left out.
pub(super) fn label(catalog: &Catalog, name: &ObjectName) -> String {
    catalog.short(name).to_string()
}
