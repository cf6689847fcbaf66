//! Enums that were renamed, or whose values were: the draft's creation and block go, added values are added.

use super::atoms::At;
use super::plan::Plan;
use crate::catalog::{Catalog, ObjectName};
use crate::rename::render::{data_type, object};
use crate::sql::{ActionKind, DataType, StatementKind, quote_identifier, quote_literal};

/// Plans every enum that a rename concerns.
pub(crate) fn plan(plan: &mut Plan<'_>) {
    let mut concerned: Vec<ObjectName> = plan.moves.enums.keys().chain(plan.moves.values.keys()).cloned().collect();
    concerned.sort();
    concerned.dedup();
    for before in concerned {
        let after = plan.moves.enums.get(&before).unwrap_or(&before).clone();
        if before != after {
            for at in [plan.atoms.create_type.get(&after), plan.atoms.drop_type.get(&before)] {
                plan.cuts.extend(at.copied());
            }
        }
        let (Some(old), Some(new)) =
            (plan.renamed.enums.get(&after).cloned(), plan.scene.after.enums.get(&after).cloned())
        else {
            continue;
        };
        let added: Vec<&String> = new.iter().filter(|value| !old.contains(value)).collect();
        let kept: Vec<&String> = new.iter().filter(|value| old.contains(value)).collect();
        let extends = kept.iter().copied().eq(old.iter());
        if extends && !added.iter().any(|value| is_default(&plan.scene.after, &after, value)) {
            cut_block(plan, &before, &after);
            add_values(plan, &after, &old, &new);
        } else if before != after {
            recreate(plan, &after, &new);
        }
        // else the draft's own block does the rest, on the renamed values
    }
}

/// Whether a column's default uses a value: one added in the same transaction cannot be used there.
fn is_default(catalog: &Catalog, of: &ObjectName, value: &str) -> bool {
    let literal = quote_literal(value);
    let columns = catalog.tables.values().flat_map(|table| table.columns.values());
    columns
        .filter(|column| catalog.type_name(&column.data_type) == *of)
        .any(|column| column.default.as_ref().is_some_and(|default| default.text.contains(&literal)))
}

/// Takes out the draft's block for an enum, and the defaults it sets again.
fn cut_block(plan: &mut Plan<'_>, before: &ObjectName, after: &ObjectName) {
    let Some(block) = plan.atoms.enum_block.remove(before) else { return };
    plan.cuts.extend(block.map(|statement| At { statement, action: None }));
    let atoms = plan.atoms.alter_column.clone();
    for ((table, column), places) in atoms {
        let find = |catalog: &Catalog| catalog.tables.get(&table).and_then(|table| table.columns.get(&column)).cloned();
        let (Some(old), Some(new)) = (find(&plan.renamed), find(&plan.scene.after)) else { continue };
        if plan.renamed.type_name(&old.data_type) != *after || !old.same_default(&new) {
            continue;
        }
        for at in places {
            if sets_default(plan, at) {
                plan.cut(at);
            }
        }
    }
}

fn sets_default(plan: &Plan<'_>, at: At) -> bool {
    match &plan.scene.draft.script.statements()[at.statement].kind {
        StatementKind::AlterTable { actions, .. } => {
            let action = at.action.and_then(|action| actions.get(action));
            action.is_some_and(|action| matches!(action.kind, ActionKind::SetDefault { .. }))
        }
        _ => false,
    }
}

fn add_values(plan: &mut Plan<'_>, of: &ObjectName, old: &[String], new: &[String]) {
    let name = object(plan.scene.before, of);
    for (at, value) in new.iter().enumerate().filter(|(_, value)| !old.contains(value)) {
        // after its neighbour, which is there already or was added just before
        let place = match at.checked_sub(1).and_then(|before| new.get(before)) {
            _ if new[at..].iter().all(|value| !old.contains(value)) => String::new(),
            Some(neighbour) => format!(" AFTER {}", quote_literal(neighbour)),
            None => old.first().map(|first| format!(" BEFORE {}", quote_literal(first))).unwrap_or_default(),
        };
        plan.block.push(format!("ALTER TYPE {name} ADD VALUE {}{place};", quote_literal(value)));
    }
}

/// Gives a renamed enum other values, as Prisma does: by a new type under its name. Values that are gone must be unused.
fn recreate(plan: &mut Plan<'_>, of: &ObjectName, values: &[String]) {
    let with_suffix = |suffix: &str| {
        let stem = &of.name[..of.name.floor_char_boundary(63 - suffix.len())];
        ObjectName { schema: of.schema.clone(), name: format!("{stem}{suffix}") }
    };
    let (new, old) = (with_suffix("_new"), with_suffix("_old"));
    let catalog = plan.scene.before;
    let list = values.iter().map(|value| quote_literal(value)).collect::<Vec<_>>().join(", ");
    let mut lines = vec![format!("CREATE TYPE {} AS ENUM ({list});", object(catalog, &new))];
    let mut defaults = Vec::new();
    for (table, columns) in &plan.renamed.tables {
        for (name, column) in &columns.columns {
            if plan.renamed.type_name(&column.data_type) != *of {
                continue;
            }
            let (table_name, quoted) = (object(catalog, table), quote_identifier(name));
            let kind = data_type(&DataType { name: new.name.clone(), ..column.data_type.clone() });
            let target = plan.scene.after.tables.get(table).and_then(|table| table.columns.get(name));
            if let Some(default) = &column.default {
                lines.push(format!("ALTER TABLE {table_name} ALTER COLUMN {quoted} DROP DEFAULT;"));
                let wanted = target.and_then(|column| column.default.as_ref()).unwrap_or(default);
                if target.is_some() {
                    defaults
                        .push(format!("ALTER TABLE {table_name} ALTER COLUMN {quoted} SET DEFAULT {};", wanted.text));
                }
            }
            lines.push(format!(
                "ALTER TABLE {table_name} ALTER COLUMN {quoted} TYPE {kind} USING ({quoted}::text::{kind});"
            ));
        }
    }
    lines.push(format!("ALTER TYPE {} RENAME TO {};", object(catalog, of), quote_identifier(&old.name)));
    lines.push(format!("ALTER TYPE {} RENAME TO {};", object(catalog, &new), quote_identifier(&of.name)));
    lines.push(format!("DROP TYPE {};", object(catalog, &old)));
    lines.extend(defaults);
    plan.block.extend(lines);
}
