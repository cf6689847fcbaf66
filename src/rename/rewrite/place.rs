//! Where in the draft the new statements stand.

use std::collections::BTreeMap;

use super::atoms::At;
use super::opaque;
use super::plan::Plan;
use crate::rename::Rename;
use crate::rename::render::object;
use crate::sql::{ActionKind, Statement, StatementKind};

/// What is put at a statement.
#[derive(Debug, Default)]
pub(super) struct Put {
    /// Actions in place of the first one cut.
    pub(super) actions: Vec<String>,
    /// Statements in place of the whole, or after it.
    pub(super) statements: Vec<String>,
}

/// Gives each table's new actions and statements a place: at its own statement, or in the block where it has none.
pub(super) fn place(plan: &Plan<'_>, block: &mut Vec<String>) -> BTreeMap<usize, Put> {
    let mut placed: BTreeMap<usize, Put> = BTreeMap::new();
    for (table, place) in &plan.places {
        let mut actions = place.actions.clone();
        actions.sort_by_key(|(rank, _)| *rank);
        let actions: Vec<String> = actions.into_iter().map(|(_, text)| text).collect();
        let touched = plan.touched.iter().find(|touched| touched.to == *table);
        let whole = touched.is_some_and(|touched| touched.whole);
        let statement = if whole {
            plan.atoms.create_table.get(table).map(|at| at.statement)
        } else {
            touched.and_then(|touched| {
                let key = |column: &String| (table.clone(), column.clone());
                let add = touched.columns.iter().filter_map(|column| plan.atoms.add_column.get(&key(column)));
                let drop = touched.sources.iter().filter_map(|column| plan.atoms.drop_column.get(&key(column)));
                let alter =
                    touched.columns.iter().filter_map(|column| plan.atoms.alter_column.get(&key(column))).flatten();
                add.chain(drop).chain(alter).filter(|at| plan.cuts.contains(at)).map(|at| at.statement).max()
            })
        };
        let alter = |actions: &[String]| {
            (!actions.is_empty())
                .then(|| format!("ALTER TABLE {} {};", object(plan.scene.before, table), actions.join(",\n")))
        };
        match statement {
            Some(statement) => {
                let put = placed.entry(statement).or_default();
                if whole {
                    put.statements.extend(alter(&actions));
                } else {
                    put.actions.extend(actions);
                }
                put.statements.extend(place.statements.iter().cloned());
            }
            None => {
                block.extend(alter(&actions));
                block.extend(place.statements.iter().cloned());
            }
        }
    }
    placed
}

/// The first statement that a rename concerns: the renames go before it. One inside an enum's block means the block.
pub(super) fn first(plan: &Plan<'_>) -> Option<usize> {
    let new_names = |statement: &Statement| match &statement.kind {
        StatementKind::AlterTable { table, actions, .. } => {
            let table = plan.scene.before.resolve(table);
            plan.touched.iter().any(|touched| {
                (touched.whole && (table == touched.to || table == touched.from))
                    || (table == touched.to
                        && actions
                            .iter()
                            .filter_map(|action| column_of(&action.kind))
                            .any(|name| touched.columns.contains(name)))
            })
        }
        _ => false,
    };
    let statements = plan.scene.draft.script.statements();
    // an enum's block that stays works on the renamed values
    let enums = plan.moves.values.keys().filter_map(|of| plan.atoms.enum_block.get(of)).map(|block| block.start).min();
    let first = (0..statements.len()).find(|number| {
        let cut =
            plan.cuts.range(At { statement: *number, action: None }..).next().is_some_and(|at| at.statement == *number);
        cut || enums == Some(*number) || new_names(&statements[*number])
    })?;
    let block = plan.atoms.enum_block.values().find(|block| block.contains(&first));
    let first = block.map_or(first, |block| block.start);
    // what a person wrote between the drop of an index, say, and that of the column itself still means the old names
    let drop = drops(plan).filter(|drop| *drop > first && opaque::uses_between(plan, first, *drop));
    Some(drop.unwrap_or(first))
}

/// The first statement that drops or adds what is renamed itself.
fn drops(plan: &Plan<'_>) -> Option<usize> {
    let atoms = &plan.atoms;
    let columns = atoms.drop_column.values().chain(atoms.add_column.values());
    let tables = atoms.drop_table.values().chain(atoms.create_table.values());
    let types = atoms.drop_type.values().chain(atoms.create_type.values());
    let all = columns.chain(tables).chain(types).filter(|at| plan.cuts.contains(at));
    all.map(|at| at.statement).min()
}

/// The statement that drops something.
pub(super) fn drop_of(plan: &Plan<'_>, dropped: &Rename) -> Option<usize> {
    let atoms = &plan.atoms;
    let at = match dropped {
        Rename::Table { from, .. } => atoms.drop_table.get(from),
        Rename::Enum { from, .. } => atoms.drop_type.get(from),
        Rename::Column { table, from, .. } => atoms.drop_column.get(&(table.clone(), from.clone())),
        Rename::EnumValue { of, .. } => return atoms.enum_block.get(of).map(|block| block.start),
    };
    at.map(|at| at.statement)
}

/// The column that an action is about.
pub(super) fn column_of(kind: &ActionKind) -> Option<&String> {
    match kind {
        ActionKind::SetType { column, .. }
        | ActionKind::SetNotNull { column }
        | ActionKind::DropNotNull { column }
        | ActionKind::SetDefault { column, .. }
        | ActionKind::DropDefault { column }
        | ActionKind::AddIdentity { column }
        | ActionKind::DropIdentity { column } => Some(column),
        _ => None,
    }
}
