//! `SET NOT NULL` on data that exists: it fails on a NULL, and it reads the whole table under the strongest lock.

use std::ops::Range;

use super::cost::{self, Work};
use super::subject::Existing;
use super::{Check, Finding, Rule, Severity, Step, Which};
use crate::sql::tokens::{Kind, tokens};
use crate::sql::{ActionKind, ConstraintKind, Name};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "set-not-null",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("set_not_null.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, range, index) in unread_indexes(step) {
        let name = step.catalog.resolve(table);
        let object = format!("{}.{index}", step.subject.label(&name));
        let message = format!(
            "makes the columns of index `{index}` required, as the primary key: which columns these are is not known, and this fails \
             on one NULL in them"
        );
        let help = "review it where the database can be reached, or with `--catalog FILE`, which `prisma-safe catalog` writes there";
        findings.push(Finding::new(&RULE, object, range, message).help(help));
    }
    for (table, range, column, by_key) in demands(step) {
        let column = column.as_str();
        if let Some(label) = step.filled(table) {
            let object = format!("{label}.{column}");
            let message = format!(
                "makes `{object}` required, after rows were put into the table that were not checked: this fails on one NULL"
            );
            findings.push(Finding::new(&RULE, object, range, message).help("make it required before the rows come"));
            continue;
        }
        let Some(table) = step.existing(table) else { continue };
        if table.rows == Some(0) && !table.written || already_required(step, &table, column) {
            continue;
        }
        let object = format!("{}.{column}", table.label);
        let finding = if by_key {
            Finding::new(
                &RULE,
                &object,
                range,
                format!("makes `{object}` required, as part of the primary key: this fails on one NULL"),
            )
            .help("make the column required first, as `prisma-safe explain set-not-null` shows, then add the key")
        } else {
            Finding::new(
                &RULE,
                &object,
                range,
                format!("makes `{object}` required: this fails on one NULL, and blocks all access to the table while it reads it"),
            )
            .help(
                "add `CHECK (… IS NOT NULL) NOT VALID`, validate it in a later migration, then SET NOT NULL: it no longer \
                 reads the table",
            )
        };
        findings.extend(match nulls(step, &table, column) {
            Some(nulls) if nulls > 0 => {
                let verb = if nulls == 1 { "holds" } else { "hold" };
                let finding = finding.measured(format!("{} {verb} NULL in {object}", cost::rows(nulls)));
                let finding = match step.column(&table, column) {
                    Some(on_target) => step.naming(&table, &Which::Null { column: &on_target }, finding),
                    None => finding,
                };
                Some(if table.written { finding } else { finding.severity(Severity::Error) })
            }
            Some(_) => step.weigh(&table, Work::Scan, finding.measured(format!("0 rows hold NULL in {object}"))),
            None => Some(finding),
        });
    }
}

/// The columns that become required, by themselves or (`true`) as part of a primary key.
fn demands<'a>(step: &Step<'a>) -> Vec<(&'a Name, Range<usize>, String, bool)> {
    let set = step.actions().filter_map(|(table, action)| match &action.kind {
        ActionKind::SetNotNull { column } => Some((table, action.range.clone(), column.clone(), false)),
        _ => None,
    });
    let keys = step.added_constraints().flat_map(|(table, range, constraint)| {
        let columns = match &constraint.kind {
            ConstraintKind::PrimaryKey { using_index: Some(index), .. } => {
                of_index(step, table, index).unwrap_or_default()
            }
            ConstraintKind::PrimaryKey { columns, .. } => columns.clone(),
            _ => Vec::new(),
        };
        columns.into_iter().map(move |column| (table, range.clone(), column, true))
    });
    // a column that the same statement adds is required-column's matter
    let added = |column: &String| {
        step.actions()
            .any(|(_, action)| matches!(&action.kind, ActionKind::AddColumn { column: new, .. } if new.name == *column))
    };
    set.chain(keys.filter(|(_, _, column, _)| !added(column))).collect()
}

/// The columns of an index that becomes a primary key; none where the index is not known.
fn of_index(step: &Step<'_>, table: &Name, index: &str) -> Option<Vec<String>> {
    let known = step.catalog.parts(&step.catalog.resolve(table))?.indexes.get(index)?;
    // PostgreSQL makes no key of expressions, and refuses them
    Some(known.keys.iter().filter_map(|key| key.column.clone()).collect())
}

/// Indexes that become a primary key and are not known.
fn unread_indexes<'a>(step: &Step<'a>) -> Vec<(&'a Name, Range<usize>, &'a String)> {
    let unread = step.added_constraints().filter_map(|(table, range, constraint)| match &constraint.kind {
        ConstraintKind::PrimaryKey { using_index: Some(index), .. } if of_index(step, table, index).is_none() => {
            Some((table, range, index))
        }
        _ => None,
    });
    // that it is not there is impossible-statement's matter
    unread.filter(|_| !step.catalog.is_complete()).collect()
}

/// NULLs in the column: measured, or, where these migrations added it, whatever its default makes of it.
fn nulls(step: &Step<'_>, table: &Existing, column: &str) -> Option<u64> {
    let live = step.subject.live?;
    match step.column(table, column) {
        Some(on_target) => live.count(&table.target, &Which::Null { column: &on_target }),
        None => {
            let known = step.catalog.tables.get(&table.name)?.columns.get(column)?;
            if known.default.is_some() { Some(0) } else { table.rows }
        }
    }
}

/// The column cannot hold NULL: it is required already, or a validated check says so, and PostgreSQL reads no rows.
fn already_required(step: &Step<'_>, table: &Existing, column: &str) -> bool {
    let Some(known) = step.catalog.parts(&table.name) else { return false };
    let required = known.columns.get(column).is_some_and(|column| column.not_null);
    required
        || known.constraints.values().any(|constraint| match &constraint.kind {
            ConstraintKind::Check { expr } => constraint.valid && is_not_null(&expr.text, column),
            _ => false,
        })
}

/// `"c" IS NOT NULL`, with any parentheses around it.
fn is_not_null(check: &str, column: &str) -> bool {
    let tokens = tokens(check);
    let words: Vec<_> = tokens.iter().filter(|token| !token.is_symbol("(") && !token.is_symbol(")")).collect();
    let [name, is, not, null] = words.as_slice() else { return false };
    let named = match name.kind {
        Kind::Quoted => name.text.replace("\"\"", "\"") == column,
        _ => name.text.eq_ignore_ascii_case(column),
    };
    named && is.is("is") && not.is("not") && null.is("null")
}
