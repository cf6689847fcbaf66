//! Columns of a renamed table or column: what still differs from the draft's end is altered in place, with values kept.

use super::plan::{Plan, Touched};
use crate::catalog::{Column, ObjectName};
use crate::effects::cast::Cast;
use crate::error::{Error, Result};
use crate::rename::rekey;
use crate::rename::render::{self, data_type, object, spoken};
use crate::sql::{quote_identifier, quote_literal};

/// Plans the columns of one table.
///
/// # Errors
/// Refused where values could be lost.
pub(crate) fn plan(plan: &mut Plan<'_>, touched: &Touched) -> Result<()> {
    let (renamed, after) =
        (plan.renamed.tables.get(&touched.to).cloned(), plan.scene.after.tables.get(&touched.to).cloned());
    let (Some(old_table), Some(new_table)) = (renamed, after) else { return Ok(()) };
    for name in &touched.columns {
        for (table, column) in [(&touched.from, name), (&touched.to, name)] {
            let key = (table.clone(), column.clone());
            let atoms = [plan.atoms.drop_column.get(&key).copied(), plan.atoms.add_column.get(&key).copied()];
            atoms.into_iter().flatten().for_each(|at| plan.cut(at));
            for at in plan.atoms.alter_column.get(&key).cloned().unwrap_or_default() {
                plan.cut(at);
            }
        }
    }
    for from in &touched.sources {
        if let Some(at) = plan.atoms.drop_column.get(&(touched.from.clone(), from.clone())).copied() {
            plan.cut(at);
        }
    }
    let names =
        old_table.columns.keys().chain(new_table.columns.keys().filter(|name| !old_table.columns.contains_key(*name)));
    for name in names.filter(|name| touched.whole || touched.columns.contains(*name)) {
        match (old_table.columns.get(name), new_table.columns.get(name)) {
            (Some(old), Some(new)) => alter(plan, touched, name, old, new)?,
            (Some(_), None) => plan.early_actions(touched, format!("DROP COLUMN {}", quote_identifier(name))),
            (None, Some(new)) => add(plan, touched, name, new),
            (None, None) => {}
        }
    }
    Ok(())
}

fn add(plan: &mut Plan<'_>, touched: &Touched, name: &str, column: &Column) {
    let owner = Some((touched.to.clone(), name.to_owned()));
    let owns = plan.scene.after.sequences.values().any(|of| *of == owner);
    let serial = (owns && !column.identity).then_some(match column.data_type.name.as_str() {
        "smallint" => "SMALLSERIAL",
        "bigint" => "BIGSERIAL",
        _ => "SERIAL",
    });
    plan.early_actions(touched, format!("ADD COLUMN     {}", render::column(name, column, serial)));
}

/// The actions that turn one definition into the other.
fn alter(plan: &mut Plan<'_>, touched: &Touched, name: &str, old: &Column, new: &Column) -> Result<()> {
    let quoted = quote_identifier(name);
    let shown = format!("{}.{name}", spoken(plan.scene.before, &touched.to));
    let mut actions: Vec<String> = Vec::new();
    let kind = plan.scene.cast_from(&plan.renamed, &old.data_type, &new.data_type, name);
    let (old_type, new_type) = (data_type(&old.data_type), data_type(&new.data_type));
    let using = match kind {
        Cast::Same => None,
        Cast::Keeps { using } => Some(using),
        Cast::Checked { using, risk } => {
            plan.notes.push(format!("{shown} goes from {old_type} to {new_type}: {risk}"));
            Some(using)
        }
        Cast::Loses { .. } | Cast::None if plan.recreates(touched, name) => {
            plan.early_actions(touched, format!("DROP COLUMN {quoted}"));
            add(plan, touched, name, new);
            return Ok(());
        }
        Cast::Loses { reason } => return Err(refuse(plan, touched, name, &shown, &old_type, &new_type, &reason)),
        Cast::None => {
            return Err(refuse(
                plan,
                touched,
                name,
                &shown,
                &old_type,
                &new_type,
                "PostgreSQL has no cast between them",
            ));
        }
    };
    // Prisma does not see that a column is generated, and its draft adds a plain one: the rename keeps the expression
    let keeps_expression = old.generated.is_some() && new.generated.is_none();
    if old.generated != new.generated && !keeps_expression {
        return Err(Error::refused(format!("cannot keep {shown}: its generating expression changes"))
            .help("drop and add the column in a migration of its own"));
    }
    let old = &if plan.default_goes(touched, name) { Column { default: None, ..old.clone() } } else { old.clone() };
    let same_default = old.same_default(new);
    let retyped = using.is_some();
    if old.default.is_some() && (retyped || (!same_default && new.default.is_none())) {
        actions.push(format!("ALTER COLUMN {quoted} DROP DEFAULT"));
    }
    if let Some(using) = using {
        let using = using.map(|using| format!(" USING ({using})")).unwrap_or_default();
        actions.push(format!("ALTER COLUMN {quoted} SET DATA TYPE {new_type}{using}"));
    }
    let sequence = sequence_change(plan, touched, name);
    if let Some(default) = &new.default
        && (retyped || !same_default)
        && sequence.is_none()
        && !moved_sequence(plan, touched, name)
    {
        actions.push(format!("ALTER COLUMN {quoted} SET DEFAULT {}", default.text));
    }
    match (old.not_null, new.not_null) {
        (false, true) => actions.push(format!("ALTER COLUMN {quoted} SET NOT NULL")),
        (true, false) => actions.push(format!("ALTER COLUMN {quoted} DROP NOT NULL")),
        _ => {}
    }
    match (old.identity, new.identity) {
        (false, true) => actions.push(format!("ALTER COLUMN {quoted} ADD GENERATED BY DEFAULT AS IDENTITY")),
        (true, false) => actions.push(format!("ALTER COLUMN {quoted} DROP IDENTITY")),
        _ => {}
    }
    for action in actions {
        plan.actions(touched, action);
    }
    match sequence {
        Some(Change::Gained(sequence)) if !new.identity => gain(plan, touched, name, &sequence),
        Some(Change::Lost(sequence)) if !old.identity => {
            let line = format!("DROP SEQUENCE {};", object(plan.scene.before, &sequence));
            plan.late_statement(touched, line);
        }
        _ => {}
    }
    Ok(())
}

/// A column becomes `autoincrement()`: its sequence starts after the values that are there.
fn gain(plan: &mut Plan<'_>, touched: &Touched, name: &str, sequence: &ObjectName) {
    let (column, table) = (quote_identifier(name), object(plan.scene.before, &touched.to));
    let own = object(plan.scene.before, sequence);
    let literal = quote_literal(&own);
    // as SERIAL makes it: of the column's type
    let kind = plan.scene.after.tables.get(&touched.to).and_then(|table| table.columns.get(name));
    let kind = kind.map_or_else(|| "INTEGER".to_owned(), |column| data_type(&column.data_type));
    plan.late_statement(touched, format!("CREATE SEQUENCE {own} AS {kind};"));
    plan.late_statement(touched, format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval({literal});"));
    plan.late_statement(touched, format!("ALTER SEQUENCE {own} OWNED BY {table}.{column};"));
    plan.late_statement(
        touched,
        format!("SELECT setval({literal}, COALESCE((SELECT MAX({column}) FROM {table}), 0) + 1, false);"),
    );
}

enum Change {
    Gained(ObjectName),
    Lost(ObjectName),
}

fn owned(catalog: &crate::catalog::Catalog, touched: &Touched, name: &str) -> Option<ObjectName> {
    let owner = Some((touched.to.clone(), name.to_owned()));
    catalog.sequences.iter().find(|(_, of)| **of == owner).map(|(name, _)| name.clone())
}

fn sequence_change(plan: &Plan<'_>, touched: &Touched, name: &str) -> Option<Change> {
    match (owned(&plan.renamed, touched, name), owned(&plan.scene.after, touched, name)) {
        (None, Some(new)) => Some(Change::Gained(new)),
        (Some(old), None) => Some(Change::Lost(old)),
        _ => None,
    }
}

/// A default that only follows its sequence's new name needs no statement.
fn moved_sequence(plan: &Plan<'_>, touched: &Touched, name: &str) -> bool {
    owned(&plan.renamed, touched, name).is_some() && owned(&plan.scene.after, touched, name).is_some()
}

fn refuse(plan: &Plan<'_>, touched: &Touched, name: &str, shown: &str, old: &str, new: &str, reason: &str) -> Error {
    let source = touched.source_of(name);
    let table = spoken(plan.scene.before, &touched.from);
    let error =
        Error::refused(format!("cannot keep the values of {table}.{source} as {shown}: from {old} to {new} {reason}"));
    match rekey::steps(plan.scene.before, &plan.scene.after, &touched.from, source) {
        Some(steps) if touched.from == touched.to && source == name => error.help(format!(
            "write these steps into a migration of its own (`migrate dev --create-only`), or drop the values with `--delete \
             {table}.{source}`:\n{}",
            steps.join("\n")
        )),
        _ => error.help(format!(
            "change the type in a migration of its own, or drop the values with `--delete {table}.{source}`"
        )),
    }
}
