//! The lines that keep decisions about renames must say what the file does: review and later runs build on them.

use super::{Check, Finding, Rule, Severity, Subject};
use crate::catalog::{Catalog, ObjectName};
use crate::rename::{Rename, directive};
use crate::sql::{ActionKind, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "contradicted-decision",
    severity: Severity::Error,
    optional: false,
    acceptable: false,
    destroys: false,
    page: include_str!("contradicted_decision.md"),
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for comment in subject.script.comments() {
        let (before, text) = (subject.before, comment.text.as_str());
        let Some((_, rest)) = text.split_once("-- prisma-safe:") else { continue };
        let contradiction = if let Some(rename) = directive::parse(before, text) {
            renamed(subject, &rename)
        } else if let Some(kept) = directive::parse_map(before, text) {
            (lost(subject, &kept) || is_gone(subject, &kept))
                .then(|| "the file does not keep it under its name".to_owned())
        } else if let Some(dropped) = directive::parse_delete(before, text) {
            (is_there(before, &dropped) && !lost(subject, &dropped) && !is_gone(subject, &dropped))
                .then(|| "the file does not drop it".to_owned())
        } else if ["rename ", "map ", "delete "].iter().any(|word| rest.starts_with(word)) {
            Some("it cannot be read".to_owned())
        } else {
            None
        };
        let Some(why) = contradiction else { continue };
        let words = rest.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let object = rest.split_whitespace().nth(2).unwrap_or(&words);
        findings.push(
            Finding::new(&RULE, object, comment.range.clone(), format!("a line says `{}`, but {why}", rest.trim_end()))
                .help("correct the statements or the line: `prisma-safe rewrite MIGRATION` decides anew without it"),
        );
    }
}

/// What speaks against a rename; none if the file does it.
fn renamed(subject: &Subject<'_>, rename: &Rename) -> Option<String> {
    if !is_there(subject.before, rename) {
        return Some("there is nothing of that name before the migration".into());
    }
    if lost(subject, rename) {
        return Some("the file drops it".into());
    }
    let there = match rename {
        Rename::Table { to, .. } => subject.after.tables.contains_key(to),
        Rename::Enum { to, .. } => subject.after.enums.contains_key(to),
        Rename::Column { table, to, .. } => {
            let now = after(subject, table);
            subject.after.tables.get(&now).is_some_and(|table| table.columns.contains_key(to))
        }
        Rename::EnumValue { of, to, .. } => {
            let mut enums = subject.after.enums.iter();
            // its enum may have another name by now
            enums.any(|(name, values)| values.contains(to) && (name == of || !subject.before.enums.contains_key(name)))
        }
    };
    (!there).then(|| "the file does not rename it so".to_owned())
}

/// Whether an object is there under its old name.
fn is_there(catalog: &Catalog, rename: &Rename) -> bool {
    match rename {
        Rename::Table { from, .. } => catalog.tables.contains_key(from),
        Rename::Enum { from, .. } => catalog.enums.contains_key(from),
        Rename::Column { table, from, .. } => {
            catalog.tables.get(table).is_some_and(|table| table.columns.contains_key(from))
        }
        Rename::EnumValue { of, from, .. } => catalog.enums.get(of).is_some_and(|values| values.contains(from)),
    }
}

/// Whether it has no old name any more.
fn is_gone(subject: &Subject<'_>, rename: &Rename) -> bool {
    let moved = match rename {
        Rename::Column { table, from, to } => {
            Rename::Column { table: after(subject, table), from: from.clone(), to: to.clone() }
        }
        other => other.clone(),
    };
    is_there(subject.before, rename) && !is_there(subject.after, &moved)
}

/// A table's name after the migration, by the file's own lines.
fn after(subject: &Subject<'_>, table: &ObjectName) -> ObjectName {
    let renames =
        subject.script.comments().iter().filter_map(|comment| directive::parse(subject.before, &comment.text));
    let of = |rename: Rename| match rename {
        Rename::Table { from, to, .. } if from == *table => Some(to),
        _ => None,
    };
    renames.into_iter().find_map(of).unwrap_or_else(|| table.clone())
}

/// Whether a statement drops it.
fn lost(subject: &Subject<'_>, rename: &Rename) -> bool {
    let mut found = false;
    subject.walk(|step| {
        let resolved = |name| step.catalog.resolve(name);
        found |= match (rename, &step.statement.kind) {
            (Rename::Table { from, .. }, StatementKind::DropTable { tables, .. }) => {
                tables.iter().any(|table| resolved(table) == *from)
            }
            (Rename::Column { table, from, .. }, StatementKind::AlterTable { table: altered, actions, .. }) => {
                let drops = |kind: &ActionKind| matches!(kind, ActionKind::DropColumn { name, .. } if name == from);
                resolved(altered) == *table && actions.iter().any(|action| drops(&action.kind))
            }
            _ => false,
        };
    });
    found
}
