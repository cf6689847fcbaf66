//! A drop and an add side by side: Prisma's form of a rename, if it was one.

use std::ops::Range;

use super::{Check, Finding, Rule, Severity, Step, Subject, cost};
use crate::catalog::Table;
use crate::sql::{ActionKind, ColumnDef, DataType, Name, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "drop-then-add",
    summary: "drops and adds what may be one thing under a new name",
    severity: Severity::Warning,
    acceptable: true,
    destroys: false,
    page: include_str!("drop_then_add.md"),
    check: Check::Migration(check),
};

/// As many candidates are spelled out; a person reads no more.
const SHOWN: usize = 4;

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for statement in subject.script.statements() {
        if let StatementKind::AlterTable { table, .. } = &statement.kind {
            let step = Step { subject, statement, catalog: subject.before, origins: subject.origins };
            columns(&step, table, findings);
        }
    }
    tables(subject, findings);
}

fn columns(step: &Step<'_>, table: &Name, findings: &mut Vec<Finding>) {
    let Some(table) = step.existing(table) else { return };
    let known = step.catalog.tables.get(&table.name);
    let mut dropped: Vec<(&str, Option<&DataType>)> = Vec::new();
    let mut place = step.statement.range.clone();
    let mut added: Vec<&ColumnDef> = Vec::new();
    for (_, action) in step.actions() {
        match &action.kind {
            ActionKind::DropColumn { name, .. } => {
                let decided = step.subject.accepts("drop-column", &format!("{}.{name}", table.label));
                if !decided && step.column_before(&table, name).is_some() {
                    let column = known.and_then(|table: &Table| table.columns.get(name));
                    if dropped.is_empty() {
                        place = action.range.clone();
                    }
                    dropped.push((name, column.map(|column| &column.data_type)));
                }
            }
            ActionKind::AddColumn { column, .. } => added.push(column),
            _ => {}
        }
    }
    let recreated = |name: &str| added.iter().find(|column| column.name == name).copied();
    for (name, _) in &dropped {
        if let Some(column) = recreated(name) {
            findings.push(retyped(step, &table.label, name, column));
        }
    }
    let pairs: Vec<(&str, &str)> = dropped
        .iter()
        .filter(|(name, _)| recreated(name).is_none())
        .flat_map(|(name, data_type)| {
            added
                .iter()
                .filter(|column| !dropped.iter().any(|(dropped, _)| *dropped == column.name))
                .filter(|column| data_type.is_none_or(|data_type| alike(data_type, &column.data_type)))
                .map(|column| (*name, column.name.as_str()))
        })
        .collect();
    if !pairs.is_empty() {
        findings.push(renamed(step, &table.label, &pairs, place));
    }
}

fn renamed(step: &Step<'_>, table: &str, pairs: &[(&str, &str)], place: Range<usize>) -> Finding {
    let options = pairs.iter().take(SHOWN).map(|(from, to)| format!("--rename {table}.{from}:{to}"));
    let options: Vec<String> = options.collect();
    let more = pairs.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" (and {} more pairs)", cost::count(more as u64)) } else { String::new() };
    let drops: Vec<&str> = pairs.iter().map(|(from, _)| *from).collect();
    Finding::new(
        &RULE,
        table,
        place,
        format!("drops and adds columns of `{table}`: Prisma writes a rename like this, and the values are lost"),
    )
    .help(format!(
        "if it is a rename: `prisma-safe rewrite {} {}`{more}\nif `{}` really goes, say so with `--delete {table}.{}`",
        step.subject.migration,
        options.join("` or `"),
        drops[0],
        drops[0],
    ))
}

fn retyped(step: &Step<'_>, table: &str, name: &str, column: &ColumnDef) -> Finding {
    Finding::new(
        &RULE,
        format!("{table}.{name}"),
        step.statement.range.clone(),
        format!("drops column `{name}` of `{table}` and creates it anew: its values are lost, though they could be cast"),
    )
    .help(format!(
        "where a cast exists, keep them: `ALTER TABLE \"{table}\" ALTER COLUMN \"{name}\" TYPE {} USING \"{name}\"::{}`",
        column.data_type, column.data_type,
    ))
}

fn tables(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let statements = subject.script.statements();
    let created: Vec<&Name> = statements
        .iter()
        .filter_map(|statement| match &statement.kind {
            StatementKind::CreateTable { table, temporary: false, .. } => Some(table),
            _ => None,
        })
        .collect();
    for statement in statements {
        let StatementKind::DropTable { tables, .. } = &statement.kind else { continue };
        let step = Step { subject, statement, catalog: subject.before, origins: subject.origins };
        for dropped in tables.iter().filter_map(|table| step.existing(table)) {
            let new = created.iter().map(|name| subject.before.resolve(name)).find(|new| {
                let tables = (subject.before.tables.get(&dropped.name), subject.after.tables.get(new));
                matches!(tables, (Some(old), Some(new)) if share_columns(old, new))
            });
            let Some(new) = new.filter(|_| !subject.accepts("drop-table", &dropped.label)) else { continue };
            let new = subject.label(&new);
            let old = &dropped.label;
            findings.push(
                Finding::new(
                    &RULE,
                    old,
                    statement.range.clone(),
                    format!("drops table `{old}` and creates `{new}`: Prisma writes a rename like this, and the rows are lost"),
                )
                .help(format!(
                    "if it is a rename: `prisma-safe rewrite {} --rename {old}:{new}`\nif `{old}` really goes, say so with `--delete {old}`",
                    subject.migration,
                )),
            );
        }
    }
}

/// Whether most columns of the smaller table stand in the other under the same name.
fn share_columns(old: &Table, new: &Table) -> bool {
    let shared = old.columns.keys().filter(|name| new.columns.contains_key(*name)).count();
    shared * 2 > old.columns.len().min(new.columns.len())
}

/// The same type but for its modifiers; a serial is an integer.
fn alike(left: &DataType, right: &DataType) -> bool {
    let base = |of: &DataType| match of.name.as_str() {
        "serial" => "integer".to_owned(),
        "bigserial" => "bigint".to_owned(),
        "smallserial" => "smallint".to_owned(),
        "character varying" => "text".to_owned(),
        name => name.to_owned(),
    };
    left.array == right.array && base(left) == base(right)
}
