//! The lines that keep decisions about renames must say what the file does: review and later runs build on them.

use super::{Check, Finding, Rule, Severity, Subject};
use crate::catalog::{Catalog, ObjectName};
use crate::rename::{Rename, directive};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "contradicted-decision",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
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
            (is_there(before, &kept) && !end(subject, &kept).keeps_its_name())
                .then(|| "the file does not keep it under its name".to_owned())
        } else if let Some(dropped) = directive::parse_delete(before, text) {
            (is_there(before, &dropped) && !matches!(end(subject, &dropped), End::Gone))
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
    match end(subject, rename) {
        End::Gone => Some("the file drops it".into()),
        End::Named { takes_the_new_name: true, .. } => None,
        End::Named { .. } => Some("the file does not rename it so".into()),
    }
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

/// What becomes of an object in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Gone,
    Named { keeps_the_old_name: bool, takes_the_new_name: bool },
}

impl End {
    fn keeps_its_name(self) -> bool {
        matches!(self, Self::Named { keeps_the_old_name: true, .. })
    }
}

fn end(subject: &Subject<'_>, rename: &Rename) -> End {
    let enums = &subject.after.enums;
    // another object may have taken its name: tables and columns are followed statement by statement
    let (old, new) = match rename {
        Rename::Table { from, to, .. } => match subject.followed(0, from, None) {
            Some((table, _)) => (table == *from, table == *to),
            None => return End::Gone,
        },
        Rename::Column { table, from, to } => match subject.followed(0, table, Some(from)) {
            Some((_, column)) => (column.as_ref() == Some(from), column.as_ref() == Some(to)),
            None => return End::Gone,
        },
        // Prisma builds an enum anew under a name of its own, and gives it the old one
        Rename::Enum { from, to } => (enums.contains_key(from), enums.contains_key(to)),
        Rename::EnumValue { of, from, to } => {
            // its enum may have another name by now
            let has = |value| {
                let own = |name: &ObjectName| name == of || !subject.before.enums.contains_key(name);
                enums.iter().any(|(name, values)| values.contains(value) && own(name))
            };
            (has(from), has(to))
        }
    };
    if old || new { End::Named { keeps_the_old_name: old, takes_the_new_name: new } } else { gone_or_renamed(rename) }
}

/// A table or column that is followed has a name all the same; an enum or value without either name is gone.
fn gone_or_renamed(rename: &Rename) -> End {
    match rename {
        Rename::Table { .. } | Rename::Column { .. } => {
            End::Named { keeps_the_old_name: false, takes_the_new_name: false }
        }
        Rename::Enum { .. } | Rename::EnumValue { .. } => End::Gone,
    }
}
