//! `DROP … CASCADE` of what is no table: it takes along whatever depends on it, columns and tables included.

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::{ActionKind, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "drop-cascade",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("drop_cascade.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let range = step.statement.range.clone();
    let mut flag = |what: &str, name: &str, taken: &str| {
        findings.push(
            Finding::new(&RULE, name, range.clone(), format!("drops {what} `{name}` and, by CASCADE, {taken}")).help(
                "drop the dependents by name first and leave CASCADE out: PostgreSQL then refuses if one was forgotten",
            ),
        );
    };
    match &step.statement.kind {
        StatementKind::DropSchema { names, cascade: true } => {
            for name in names {
                flag("schema", name, "every table in it");
            }
        }
        StatementKind::DropType { names, cascade: true, .. } => {
            for name in names {
                flag("type", &name.to_string(), "every column of that type with its data");
            }
        }
        StatementKind::DropSequence { names, cascade: true } => {
            for name in names {
                flag("sequence", &name.to_string(), "the defaults that use it");
            }
        }
        StatementKind::DropView { names, cascade: true, .. } => {
            for name in names {
                flag("view", &name.to_string(), "the views built on it");
            }
        }
        StatementKind::DropExtension { names, cascade: true } => {
            for name in names {
                flag("extension", name, "every column of its types with its data");
            }
        }
        StatementKind::Other { words }
            if words.starts_with("DROP") && step.text().to_uppercase().contains("CASCADE") =>
        {
            flag(&words.trim_start_matches("DROP ").to_lowercase(), words, "whatever depends on it");
        }
        _ => {
            for (table, action) in step.actions() {
                let ActionKind::DropConstraint { name, cascade: true, .. } = &action.kind else { continue };
                let Some(table) = step.existing(table) else { continue };
                let object = format!("{}.{name}", table.label);
                findings.push(
                    Finding::new(
                        &RULE,
                        &object,
                        action.range.clone(),
                        format!("drops constraint `{object}` and, by CASCADE, the foreign keys that rely on it"),
                    )
                    .severity(Severity::Warning)
                    .help("drop these foreign keys by name first and leave CASCADE out"),
                );
            }
        }
    }
}
