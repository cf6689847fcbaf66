//! The effects of each kind of statement.

use std::collections::BTreeSet;

use super::unknown::{self, Reference};
use super::{Definition, Effect, Scene, What, Which, action, guarantees, rows, types, words};
use crate::catalog::ObjectName;
use crate::catalog::code::{Call, Event};
use crate::sql::outside::reaches_outside;
use crate::sql::{Name, StatementKind};

pub(super) fn effects(scene: &Scene<'_>) -> Vec<Effect> {
    let found = match &scene.statement.kind {
        StatementKind::AlterTable { table, if_exists, only, actions } => {
            let found = alter(scene, table, (*if_exists, *only), actions);
            let run = scene.before.runs(scene.statement, scene.text).map(What::UnknownCall);
            let run = run.map(|what| Effect { range: scene.statement.range.clone(), what });
            return found.into_iter().chain(run).collect();
        }
        StatementKind::DropTable { tables, if_exists, cascade } => tables
            .iter()
            .map(|table| scene.before.resolve(table))
            // asked, and not there: nothing is dropped, whether or not the statement then fails
            .filter(|table| !scene.before.table(table).is_absent() || !if_exists)
            .flat_map(|table| with_heirs(scene, table, *cascade))
            // PostgreSQL takes a table named twice for one, also where CASCADE names it
            .filter({
                let mut seen = BTreeSet::new();
                move |table| seen.insert(table.clone())
            })
            .map(|table| What::TableGone { table, cascade: *cascade })
            .collect(),
        StatementKind::DropSchema { names, cascade } => schemas(scene, names, *cascade),
        StatementKind::DropIndex { indexes, .. } => {
            indexes.iter().flat_map(|index| guarantees::index(scene, &scene.before.resolve(index))).collect()
        }
        StatementKind::DropType { names, cascade, .. } => {
            let names = names.iter().map(|name| scene.before.resolve(name));
            names.flat_map(|name| types::dropped(scene, Definition::Enum, name, *cascade)).collect()
        }
        StatementKind::DropSequence { names, cascade } => {
            let sequences = names.iter().map(|name| scene.before.resolve(name));
            sequences.map(|name| gone(scene, Definition::Sequence, name, *cascade)).collect()
        }
        StatementKind::DropView { names, materialized, cascade } => {
            let kind = if *materialized { Definition::MaterializedView } else { Definition::View };
            names.iter().map(|name| gone(scene, kind, scene.before.resolve(name), *cascade)).collect()
        }
        StatementKind::DropExtension { names, cascade } => {
            let unqualified = |name: &String| scene.before.resolve(&Name::bare(name));
            names.iter().map(|name| gone(scene, Definition::Extension, unqualified(name), *cascade)).collect()
        }
        StatementKind::CreateView { name, materialized: false, or_replace: true } => {
            replaced(scene, Definition::View, name)
        }
        // a function of this name and these arguments may have been there: the catalog does not hold functions
        StatementKind::CreateFunction { name } => replaced(scene, Definition::Function, name),
        StatementKind::CreateTrigger { name, table } => words::trigger(scene, name, table),
        StatementKind::AlterSequence { name, rename_to: None, set_schema: None, owned_by: None } => {
            vec![What::SequenceSet { name: scene.before.resolve(name) }]
        }
        StatementKind::CreateTable { table, temporary: false, with_data, .. } => rows::created(scene, table, *with_data),
        StatementKind::Insert { table } => rows::inserted(scene, table),
        StatementKind::Update { table, columns, .. } => rows::updated(scene, table, columns),
        StatementKind::Delete { table, .. } => rows::deleted(scene, table),
        StatementKind::Truncate { tables, cascade } => rows::truncated(scene, tables, *cascade),
        StatementKind::Select => rows::selected(scene),
        StatementKind::Do { .. } => vec![What::UnknownCode { words: "DO".into() }],
        StatementKind::Other { words } => words::effects(scene, words),
        // what these create was not there, and what they rename stays
        StatementKind::CreateSchema { .. }
        | StatementKind::CreateTable { .. }
        | StatementKind::CreateIndex(_)
        | StatementKind::CreateEnum { .. }
        | StatementKind::CreateDomain { .. }
        | StatementKind::CreateComposite { .. }
        | StatementKind::CreateSequence { .. }
        | StatementKind::CreateView { .. }
        | StatementKind::CreateExtension { .. }
        | StatementKind::AddEnumValue { .. }
        | StatementKind::RenameIndex { .. }
        | StatementKind::RenameEnumValue { .. }
        | StatementKind::RenameType { .. }
        | StatementKind::SetTypeSchema { .. }
        | StatementKind::RenameView { .. }
        | StatementKind::AlterSequence { .. }
        // a comment is replaced by name, and holds no data
        | StatementKind::Comment
        | StatementKind::Begin
        | StatementKind::Commit
        | StatementKind::Rollback
        | StatementKind::Set { .. } => Vec::new(),
    };
    let run = runs(scene, &found).map(What::UnknownCall);
    found
        .into_iter()
        .chain(run)
        .chain(outside(scene))
        .map(|what| Effect { range: scene.statement.range.clone(), what })
        .collect()
}

/// The function that may do more than compute, run by the statement or by what it does to rows: also to those of tables that
/// foreign keys lead to.
fn runs(scene: &Scene<'_>, found: &[What]) -> Option<Call> {
    let fired = |what: &What| {
        let (table, event) = match what {
            What::RowsAdded { table, .. } => (table, Event::Insert),
            What::ValuesOverwritten { table, .. } => (table, Event::Update),
            What::RowsDeleted { table, which: Which::Emptied } => (table, Event::Truncate),
            What::RowsDeleted { table, .. } => (table, Event::Delete),
            _ => return None,
        };
        scene.before.fired(table, event)
    };
    scene.before.runs(scene.statement, scene.text).or_else(|| found.iter().find_map(fired))
}

/// A dropped table with those that inherit from it, which `CASCADE` takes along.
fn with_heirs(scene: &Scene<'_>, table: ObjectName, cascade: bool) -> Vec<ObjectName> {
    let heirs = if cascade { scene.before.heirs(&table) } else { Vec::new() };
    std::iter::once(table).chain(heirs).collect()
}

/// What the statement reaches beyond the database when it runs; a function that is defined runs later.
fn outside(scene: &Scene<'_>) -> Option<What> {
    let body = match &scene.statement.kind {
        StatementKind::CreateFunction { .. } | StatementKind::CreateTrigger { .. } | StatementKind::Comment => {
            return None;
        }
        StatementKind::Do { body } => Some(body.as_str()),
        _ => None,
    };
    reaches_outside(scene.text, body).map(|what| What::ReachesOutside { what })
}

fn alter(
    scene: &Scene<'_>,
    table: &Name,
    (if_exists, only): (bool, bool),
    actions: &[crate::sql::Action],
) -> Vec<Effect> {
    let table = scene.before.resolve(table);
    if if_exists && scene.before.table(&table).is_absent() {
        return Vec::new();
    }
    let each = |own: &crate::sql::Action| {
        let range = own.range.clone();
        let start = scene.statement.range.start;
        let text = scene.text.get(range.start.saturating_sub(start)..range.end.saturating_sub(start));
        let of = |table: &ObjectName| action::effects(scene, table, text.unwrap_or_default(), &own.kind);
        let heirs = if only { Vec::new() } else { scene.before.reached_by(&table, &own.kind) };
        let found: Vec<What> = of(&table).into_iter().chain(heirs.iter().flat_map(of)).collect();
        found.into_iter().map(move |what| Effect { range: range.clone(), what })
    };
    actions.iter().flat_map(each).collect()
}

/// A definition that is dropped by name.
pub(super) fn gone(scene: &Scene<'_>, kind: Definition, name: ObjectName, cascade: bool) -> What {
    let replaced = match kind {
        Definition::View | Definition::MaterializedView => scene.end.views.contains(&name),
        Definition::Sequence => scene.end.sequences.contains_key(&name),
        Definition::Enum | Definition::Domain => {
            scene.end.enums.contains_key(&name) || scene.end.types.contains_key(&name)
        }
        Definition::Schema => scene.end.schemas.contains(&name.name),
        _ => false,
    };
    What::DefinitionGone { kind, name, cascade, replaced }
}

fn replaced(scene: &Scene<'_>, kind: Definition, name: &Name) -> Vec<What> {
    let name = scene.before.made(name);
    let new = kind == Definition::View && scene.before.view(&name).is_absent();
    if new { Vec::new() } else { vec![What::DefinitionReplaced { kind, name }] }
}

fn schemas(scene: &Scene<'_>, names: &[String], cascade: bool) -> Vec<What> {
    let mut found = Vec::new();
    for name in names {
        let object = ObjectName { schema: name.clone(), name: name.clone() };
        if cascade {
            let tables = scene.before.tables.keys().filter(|table| table.schema == *name);
            found.extend(tables.map(|table| What::TableGone { table: table.clone(), cascade }));
            let views = scene.before.views.iter().filter(|view| view.schema == *name);
            found.extend(views.map(|view| gone(scene, Definition::View, view.clone(), cascade)));
            if !scene.before.is_complete() {
                found.push(What::UnknownObject(Reference { kind: unknown::Kind::Schema, name: object.clone() }));
            }
        }
        found.push(gone(scene, Definition::Schema, object, cascade));
    }
    found
}
