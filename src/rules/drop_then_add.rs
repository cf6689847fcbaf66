//! A drop and an add side by side: Prisma's form of a rename, if it was one.

use std::collections::BTreeSet;
use std::ops::Range;

use super::subject::Existing;
use super::{Check, Finding, Rule, Severity, Step, Subject, cost};
use crate::catalog::{Catalog, ObjectName, Table};
use crate::rename;
use crate::sql::{ActionKind, ColumnDef, ConstraintKind, DataType, Name, StatementKind, quote_identifier};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "drop-then-add",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("drop_then_add.md"),
    check: Check::Migration(check),
};

/// As many candidates are spelled out; a person reads no more.
const SHOWN: usize = 4;

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for mut changed in changed_tables(subject) {
        // a column that the file fills by itself was written by a person who knew what it replaces
        changed.added.retain(|column| !fills(subject, &changed.table, &column.name));
        columns(subject, &changed, findings);
    }
    tables(subject, findings);
}

fn fills(subject: &Subject<'_>, table: &Existing, column: &String) -> bool {
    subject.script.statements().iter().any(|statement| match &statement.kind {
        StatementKind::Update { table: updated, columns, .. } => {
            subject.before.resolve(updated) == table.name && columns.contains(column)
        }
        _ => false,
    })
}

/// What a migration drops from and adds to one table, wherever in the file.
struct Changed<'a> {
    table: Existing,
    dropped: Vec<Dropped<'a>>,
    added: Vec<&'a ColumnDef>,
}

/// A column that is dropped, and that the target has.
struct Dropped<'a> {
    name: &'a str,
    range: Range<usize>,
    /// None where the migrations before did not build the table.
    data_type: Option<&'a DataType>,
}

fn changed_tables<'a>(subject: &'a Subject<'a>) -> Vec<Changed<'a>> {
    let mut tables: Vec<Changed<'a>> = Vec::new();
    for statement in subject.script.statements() {
        let step = Step { subject, statement, catalog: subject.before, origins: subject.origins, effects: &[] };
        let StatementKind::AlterTable { table, .. } = &statement.kind else { continue };
        let Some(table) = step.existing(table) else { continue };
        let at = tables.iter().position(|known| known.table.name == table.name).unwrap_or(tables.len());
        if at == tables.len() {
            tables.push(Changed { table, dropped: Vec::new(), added: Vec::new() });
        }
        let changed = &mut tables[at];
        let known = subject.before.tables.get(&changed.table.name);
        for (_, action) in step.actions() {
            match &action.kind {
                ActionKind::DropColumn { name, .. }
                    if step.column_before(&changed.table, name).is_some()
                        && known.is_none_or(|known| known.columns.contains_key(name))
                        && !subject.accepts("drop-column", &format!("{}.{name}", changed.table.label)) =>
                {
                    let data_type = known.and_then(|known| known.columns.get(name)).map(|column| &column.data_type);
                    changed.dropped.push(Dropped { name, range: action.range.clone(), data_type });
                }
                ActionKind::AddColumn { column, .. } => changed.added.push(column),
                _ => {}
            }
        }
    }
    tables
}

fn columns(subject: &Subject<'_>, changed: &Changed<'_>, findings: &mut Vec<Finding>) {
    let recreated = |dropped: &Dropped<'_>| changed.added.iter().find(|column| column.name == dropped.name);
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    let mut place = None;
    for dropped in &changed.dropped {
        if let Some(column) = recreated(dropped) {
            findings.push(retyped(subject, &changed.table, dropped, column));
            continue;
        }
        let candidates = changed
            .added
            .iter()
            .filter(|column| changed.dropped.iter().all(|dropped| dropped.name != column.name))
            .filter(|column| dropped.data_type.is_none_or(|data_type| alike(data_type, &column.data_type)));
        let before = pairs.len();
        pairs.extend(candidates.map(|column| (dropped.name, column.name.as_str())));
        if pairs.len() > before {
            place.get_or_insert_with(|| dropped.range.clone());
        }
    }
    if let Some(place) = place {
        findings.push(renamed(subject, &changed.table.label, &pairs, place));
    }
}

fn renamed(subject: &Subject<'_>, table: &str, pairs: &[(&str, &str)], place: Range<usize>) -> Finding {
    let options = pairs.iter().take(SHOWN).map(|(from, to)| format!("--rename {table}.{from}:{to}"));
    let options: Vec<String> = options.collect();
    let more = pairs.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" (and {} more pairs)", cost::count(more as u64)) } else { String::new() };
    let first = pairs.first().map_or("", |(from, _)| from);
    Finding::new(
        &RULE,
        table,
        place,
        format!("drops and adds columns of `{table}`: Prisma writes a rename like this, and the values are lost"),
    )
    .help(format!(
        "if it is a rename: `prisma-safe rewrite {} {}`{more}\nif `{first}` really goes, say so with `--delete {table}.{first}`",
        subject.migration,
        options.join("` or `"),
    ))
}

fn retyped(subject: &Subject<'_>, table: &Existing, dropped: &Dropped<'_>, column: &ColumnDef) -> Finding {
    let name = dropped.name;
    let object = format!("{}.{name}", table.label);
    let message = format!("drops column `{object}` and creates it anew: its values are lost");
    let finding = Finding::new(&RULE, object, dropped.range.clone(), message);
    if let Some((old, new)) = dropped.data_type.and_then(|old| renamed_enum(subject, old, &column.data_type)) {
        return finding.help(format!(
            "if the enum `{old}` is renamed: `prisma-safe rewrite {} --rename enum:{old}:{new}`",
            subject.migration
        ));
    }
    let keeping = |old: &DataType| rename::keeping(subject.before, subject.after, old, &column.data_type, name);
    match dropped.data_type.map(|old| (old, keeping(old))) {
        Some((_, Some(change))) => {
            finding.help(format!("keep the values instead: `ALTER COLUMN {} {change}`", quote_identifier(name)))
        }
        Some((old, None)) => {
            let no_cast = format!("no cast from {old} to {} keeps the values", column.data_type);
            if let Some(key) = key_of(subject, &table.name, name) {
                return finding.help(format!("{no_cast}: it follows the key `{key}`, whose steps lead it over"));
            }
            finding.help(match rename::rekeyed(subject.before, subject.after, &table.name, name) {
                Some(steps) => format!(
                    "{no_cast}; these steps in place of the draft's own do (what reads the old values must go with this deploy):\n{}",
                    steps.join("\n")
                ),
                None => format!("{no_cast}: add a column of the new type beside it, fill it, and drop the old one later"),
            })
        }
        None => finding.help(
            "keep the values by a change of type in place, where there is a cast, or by a new column that is filled",
        ),
    }
}

/// The key that a column leads to, if that is dropped and created anew as well.
fn key_of(subject: &Subject<'_>, table: &ObjectName, column: &str) -> Option<String> {
    let constraints = subject.before.tables.get(table)?.constraints.values();
    let leads = constraints.filter_map(|constraint| match &constraint.kind {
        ConstraintKind::ForeignKey { columns, table, referenced, .. } if columns.as_slice() == [column] => {
            Some((subject.before.resolve(table), referenced.first()?.clone()))
        }
        _ => None,
    });
    let mut anew = leads.filter(|(target, key)| rename::rekeyed(subject.before, subject.after, target, key).is_some());
    anew.next().map(|(target, key)| format!("{}.{key}", subject.label(&target)))
}

/// The old and new name, if one enum goes and the other comes in this migration.
fn renamed_enum(subject: &Subject<'_>, old: &DataType, new: &DataType) -> Option<(String, String)> {
    let (old, new) = (subject.before.type_name(old), subject.before.type_name(new));
    let goes = subject.before.enums.contains_key(&old) && !subject.after.enums.contains_key(&old);
    let comes = subject.after.enums.contains_key(&new) && !subject.before.enums.contains_key(&new);
    (goes && comes).then(|| (subject.label(&old), subject.label(&new)))
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
        let step = Step { subject, statement, catalog: subject.before, origins: subject.origins, effects: &[] };
        for dropped in tables.iter().filter_map(|table| step.existing(table)) {
            // of several the likest; of equal ones the first
            let new = created.iter().rev().map(|name| subject.before.resolve(name));
            let new = new.filter_map(|new| Some((likeness(subject, &dropped.name, &new)?, new)));
            let new = new.max_by_key(|(likeness, _)| *likeness).map(|(_, new)| new);
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

/// How many columns stand in both under the same name, and how many tables both refer to: those alone tell the join tables of
/// several relations apart. None unless these are most columns of the smaller table.
fn likeness(subject: &Subject<'_>, old: &ObjectName, new: &ObjectName) -> Option<(usize, usize)> {
    let (before, after) = (subject.before.tables.get(old)?, subject.after.tables.get(new)?);
    let shared = before.columns.keys().filter(|name| after.columns.contains_key(*name)).count();
    let (then, now) = (targets(subject.before, before), targets(subject.after, after));
    (shared * 2 > before.columns.len().min(after.columns.len())).then(|| (shared, then.intersection(&now).count()))
}

/// The tables that one refers to.
fn targets(catalog: &Catalog, table: &Table) -> BTreeSet<ObjectName> {
    let keys = table.constraints.values().map(|constraint| &constraint.kind);
    let target = |kind: &ConstraintKind| match kind {
        ConstraintKind::ForeignKey { table, .. } => Some(catalog.resolve(table)),
        _ => None,
    };
    keys.filter_map(target).collect()
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
