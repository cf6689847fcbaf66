//! A column dropped: the data in it is gone, and the running release still selects it.

use super::subject::Existing;
use super::{Check, Finding, NOTHING_LOST, Rule, Severity, Step, Which, cost};
use crate::catalog::{Catalog, Index, ObjectName};
use crate::effects::{Effect, What};
use crate::sql::{ActionKind, ConstraintKind, quote_identifier};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "drop-column",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("drop_column.md"),
    check: Check::Statement(check),
};

/// Up to so many rows are worth a look before their values go.
const FEW_ROWS: u64 = 100;

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    attributes(step, findings);
    for (table, action) in step.actions() {
        let ActionKind::DropColumn { name, cascade, .. } = &action.kind else { continue };
        let Some(table) = step.existing(table) else { continue };
        // one that these migrations have added holds nothing of the target's
        let Some(on_target) = step.column_before(&table, name) else { continue };
        let object = format!("{}.{name}", table.label);
        let and_more = if *cascade { ", and CASCADE drops whatever depends on it" } else { "" };
        let finding = Finding::new(
            &RULE,
            &object,
            action.range.clone(),
            format!("drops column `{name}` of `{}` and every value in it{and_more}", table.label),
        );
        let finding = step.with_heirs(&table.name, finding);
        let known = step.catalog.tables.get(&table.name).and_then(|table| table.columns.get(name));
        if known.is_some_and(|column| column.generated.is_some()) {
            findings.push(
                finding
                    .severity(Severity::Warning)
                    .replayed(format!("{object} is generated: its values are computed from other columns"))
                    .help(
                        "deploy a release that no longer has the field first: the running one still selects the column",
                    ),
            );
            continue;
        }
        let held = step.held(&table, &on_target);
        findings.push(match held {
            Some(0) if !table.written => finding
                .severity(Severity::Warning)
                .measured(format!("0 rows hold a value in {object}: {NOTHING_LOST}"))
                .help("deploy a release that no longer has the field first: the running one still selects the column"),
            Some(held) => {
                let verb = if held == 1 { "holds" } else { "hold" };
                let finding = finding.measured(format!("{} {verb} a value in {object}", cost::rows(held)));
                // of many rows a few keys tell nothing; few may be there by mistake
                let few = held <= FEW_ROWS;
                let finding =
                    if few { step.naming(&table, &Which::Set { column: &on_target }, finding) } else { finding };
                finding.help(help(step, &table, name))
            }
            None => finding.help(help(step, &table, name)),
        });
    }
}

fn help(step: &Step<'_>, table: &Existing, column: &str) -> String {
    let object = format!("{}.{column}", table.label);
    let first = match turned_round(step, table, column) {
        Some(fill) => format!(
            "the relation is turned round: before the drop, fill the new column, added without NOT NULL, from this one:\n{fill}"
        ),
        None => "if it was renamed, run `prisma-safe rewrite`; if it really goes, first deploy a release that does not use it"
            .to_owned(),
    };
    format!("{first}\nthen accept the loss in this file: `-- prisma-safe:allow drop-column({object}): why`")
}

/// The statements that fill the foreign key on the other side of a one-to-one relation, which this migration adds there, from the
/// one that is dropped here.
fn turned_round(step: &Step<'_>, table: &Existing, column: &str) -> Option<String> {
    let (before, after) = (step.subject.before, step.subject.after);
    let old = before.tables.get(&table.name)?;
    let of_one = old.constraints.values().any(|it| {
        matches!(it.kind, ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. })
            && it.kind.columns() == [column]
    });
    let of_index = |index: &Index| matches!(index.keys.as_slice(), [key] if key.column.as_deref() == Some(column));
    // of several rows that lead to one, the other side could keep one only
    if !of_one && !old.indexes.values().any(|index| index.unique && index.predicate.is_none() && of_index(index)) {
        return None;
    }
    let alone = |kind: &ConstraintKind, catalog: &Catalog| match kind {
        ConstraintKind::ForeignKey { columns, table, referenced, .. } => {
            match (columns.as_slice(), referenced.as_slice()) {
                ([own], [key]) => Some((own.clone(), catalog.resolve(table), key.clone())),
                _ => None,
            }
        }
        _ => None,
    };
    let mut leads = old.constraints.values().filter_map(|it| alone(&it.kind, before));
    let (_, target, key) = leads.find(|(own, ..)| own == column)?;
    let known = &before.tables.get(&target)?.columns;
    let mut back = after.tables.get(&target)?.constraints.values().filter_map(|it| alone(&it.kind, after));
    let (new, _, own_key) = back.find(|(new, other, _)| *other == table.name && !known.contains_key(new))?;
    let required = after.tables.get(&target)?.columns.get(&new)?.not_null;
    let short = |name: &ObjectName| {
        if name.schema == before.default_schema { quote_identifier(&name.name) } else { name.quoted() }
    };
    let (from, to) = (short(&table.name), short(&target));
    let [column, key, new, own_key] = [column, &key, &new, &own_key].map(quote_identifier);
    let fill = format!("UPDATE {to} s SET {new} = t.{own_key} FROM {from} t WHERE t.{column} = s.{key};");
    let demand = if required { format!("\nALTER TABLE {to} ALTER COLUMN {new} SET NOT NULL;") } else { String::new() };
    Some(fill + &demand)
}

/// A part of a composite value goes, in every column whose values have it.
fn attributes(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for Effect { range, what } in step.effects {
        let What::AttributeGone { table, column, of } = what else { continue };
        // what these migrations have made has nothing to lose yet
        let Some(table) = step.existing_object(table).filter(|table| table.rows != Some(0) || table.written) else {
            continue;
        };
        let object = format!("{}.{column}", table.label);
        let message = format!(
            "drops a part of type `{}`, and with it that part of every value in `{object}`",
            step.subject.label(of)
        );
        let accept = format!("accept the loss in this file: `-- prisma-safe:allow drop-column({object}): why`");
        findings.push(Finding::new(&RULE, &object, range.clone(), message).help(accept));
    }
}
