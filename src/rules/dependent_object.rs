//! What else in the database mentions what is renamed or dropped: Prisma sees none of it.

use std::ops::Range;

use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::ObjectName;
use crate::database::dependents::{Dependent, Kind};
use crate::sql::{ActionKind, Script, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "dependent-object",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("dependent_object.md"),
    check: Check::Statement(check),
};

/// Whether a script renames or retypes what others may mention: only the target knows them.
pub(crate) fn renames(script: &Script) -> bool {
    let renames = |kind: &ActionKind| {
        matches!(
            kind,
            ActionKind::RenameColumn { .. }
                | ActionKind::RenameTable { .. }
                | ActionKind::SetSchema { .. }
                | ActionKind::SetType { .. }
        )
    };
    script.statements().iter().any(|statement| match &statement.kind {
        StatementKind::AlterTable { actions, .. } => actions.iter().any(|action| renames(&action.kind)),
        _ => false,
    })
}

/// What is done to the table or column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Rename,
    Drop {
        cascade: bool,
    },
    /// Its type changes: PostgreSQL refuses that while anything is built on the column.
    Retype,
}

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let (column, deed) = match &action.kind {
            ActionKind::RenameColumn { from, .. } => (Some(from), Deed::Rename),
            ActionKind::DropColumn { name, cascade, .. } => (Some(name), Deed::Drop { cascade: *cascade }),
            ActionKind::SetType { column, .. } => (Some(column), Deed::Retype),
            ActionKind::RenameTable { .. } | ActionKind::SetSchema { .. } => (None, Deed::Rename),
            _ => continue,
        };
        look(step, (&step.catalog.resolve(table), column.map(String::as_str)), &action.range, deed, findings);
    }
    if let StatementKind::DropTable { tables, cascade, .. } = &step.statement.kind {
        for table in tables {
            let deed = Deed::Drop { cascade: *cascade };
            look(step, (&step.catalog.resolve(table), None), &step.statement.range, deed, findings);
        }
    }
}

fn look(
    step: &Step<'_>,
    (table, column): (&ObjectName, Option<&str>),
    range: &Range<usize>,
    deed: Deed,
    findings: &mut Vec<Finding>,
) {
    let (Some(live), Some(table)) = (step.subject.live, step.existing_object(table)) else { return };
    let on_target = match column {
        Some(column) => match step.column_before(&table, column) {
            Some(on_target) => Some(on_target),
            None => return,
        },
        None => None,
    };
    let object = column.map_or_else(|| table.label.clone(), |column| format!("{}.{column}", table.label));
    for dependent in live.dependents(&table.target, on_target.as_deref()).unwrap_or_default() {
        // an author who names it elsewhere in the file has thought of it
        if is_handled(step, &dependent) {
            continue;
        }
        let (kind, name) = (dependent.kind.word(), &dependent.name);
        // a function's text is read at each call, whatever the type; a publication lists columns by name
        if deed == Deed::Retype && matches!(dependent.kind, Kind::Function | Kind::Publication) {
            continue;
        }
        let (severity, fate, help) = fate(&dependent, column.is_some(), deed);
        let about = if column.is_some() { "column" } else { "table" };
        let message = format!("{kind} {name} mentions {about} `{object}`: {fate}");
        let finding = Finding::new(&RULE, &object, range.clone(), message).severity(severity);
        findings.push(finding.measured(format!("{kind} {name}")).help(help));
    }
}

/// What PostgreSQL does to it: how bad that is, in words, and what to do.
fn fate(dependent: &Dependent, column: bool, deed: Deed) -> (Severity, &'static str, &'static str) {
    use Severity::{Error, Info, Warning};
    match (dependent.kind, deed) {
        (_, Deed::Retype) => (
            Error,
            "PostgreSQL refuses to change the type of a column that it uses, and the migration fails",
            "drop it before this statement and create it again after it",
        ),
        (Kind::Function, _) => (
            Warning,
            "its text is not changed, and it fails at its next call",
            "replace it in this migration: `CREATE OR REPLACE FUNCTION …` with the new name",
        ),
        (Kind::Publication, Deed::Rename) => (
            Warning,
            "it follows, but subscribers look for the old name and stop",
            "rename it on the subscribers at the same moment, with replication paused",
        ),
        (Kind::View | Kind::MaterializedView, Deed::Rename) if column => (
            Info,
            "it follows, and its own output column keeps the old name",
            "if the new name shall show there as well: `ALTER VIEW … RENAME COLUMN … TO …`",
        ),
        (_, Deed::Rename) => (Info, "it follows by itself", "nothing is to be done"),
        (Kind::Publication, Deed::Drop { .. }) if !column => {
            (Warning, "the table leaves it without a word", "tell those who subscribe to it")
        }
        (_, Deed::Drop { cascade: true }) => {
            (Warning, "CASCADE drops it as well", "drop it by name, or define it anew without what goes")
        }
        (_, Deed::Drop { cascade: false }) => (
            Error,
            "PostgreSQL refuses to drop what it needs, and the migration fails",
            "drop it or define it anew, without what goes, before this statement",
        ),
    }
}

/// Whether another statement of the migration names it, or this very one drops it too.
fn is_handled(step: &Step<'_>, dependent: &Dependent) -> bool {
    let drops = |kind: &ActionKind| matches!(kind, ActionKind::DropColumn { name, .. } if *name == dependent.own);
    if dependent.kind == Kind::GeneratedColumn && step.actions().any(|(_, action)| drops(&action.kind)) {
        return true;
    }
    let script = step.subject.script;
    script
        .statements()
        .iter()
        .filter(|statement| statement.range != step.statement.range)
        .any(|statement| script.text().get(statement.range.clone()).is_some_and(|text| has_word(text, &dependent.own)))
}

/// Whether a name stands in a text with nothing of a name around it.
fn has_word(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    text.match_indices(name).any(|(at, _)| {
        let after = text.get(at + name.len()..).is_some_and(|rest| rest.starts_with(part));
        !after && !text.get(..at).is_some_and(|before| before.ends_with(part))
    })
}
