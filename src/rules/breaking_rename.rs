//! A rename keeps the data and breaks the release that still runs: it asks for the old name.

use super::subject::Existing;
use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::ObjectName;
use crate::rename;
use crate::rename::schema::Schema;
use crate::sql::tokens::tokens;
use crate::sql::{ActionKind, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "breaking-rename",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("breaking_rename.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let subject = step.subject;
    // running-release knows what the release asks for
    if subject.settings.deployed.is_some() {
        return;
    }
    let flag = |object: String, what: &str, to: &str, help: &str| {
        let message = format!("renames {what} `{object}` to `{to}`: a release that still runs fails on the old name");
        Finding::new(&RULE, &object, step.statement.range.clone(), message).help(help)
    };
    match &step.statement.kind {
        StatementKind::RenameType { name, to } => {
            let name = step.catalog.resolve(name);
            // a name that comes back is Prisma's way to recreate an enum
            if subject.before.enums.contains_key(&name) && !subject.after.enums.contains_key(&name) {
                findings.push(flag(subject.label(&name), "type", to, "keep the old name in the database with `@@map`"));
            }
        }
        StatementKind::RenameEnumValue { name, from, to } => {
            let name = step.catalog.resolve(name);
            if subject.before.enums.contains_key(&name) {
                findings.push(flag(
                    format!("{}.{from}", subject.label(&name)),
                    "enum value",
                    to,
                    "keep the old value in the database with `@map`, or add the new value, move the rows, and remove the old",
                ));
            }
        }
        _ => {}
    }
    for (table, action) in step.actions() {
        let Some(existing) = step.existing(table) else { continue };
        // a view under the old name serves the old release
        if subject.after.views.contains(&existing.name) {
            continue;
        }
        match &action.kind {
            ActionKind::RenameColumn { from, to } => {
                // no release uses a name in between; another column under the old name is worse than none
                let end = subject.followed(step.statement.range.start, &existing.name, Some(from));
                let comes_back = end.is_some_and(|(table, column)| {
                    let has_one = subject.after.tables.get(&table).is_some_and(|now| now.columns.contains_key(from));
                    // a query that uses the table's old name gets no column at all
                    column.as_ref() == Some(from) || (has_one && table != existing.target)
                });
                if step.column_before(&existing, from).as_ref() == Some(from) && !comes_back {
                    findings.push(flag(
                        format!("{}.{from}", existing.label),
                        "column",
                        to,
                        "no downtime: keep the column's name with `@map`, or let both names live side by side for a release",
                    ));
                }
            }
            ActionKind::RenameTable { to } if !subject.after.tables.contains_key(&existing.name) => {
                let help = both_names(step, &existing, to);
                findings.push(flag(
                    existing.label.clone(),
                    "table",
                    to,
                    &format!("no downtime: keep the table's name with `@@map`, or {help}"),
                ));
            }
            ActionKind::RenameTable { to } if gives_its_name_away(step, &existing.name, to) => findings.push(
                Finding::new(
                    &RULE,
                    existing.label.clone(),
                    step.statement.range.clone(),
                    format!(
                        "renames table `{}` to `{to}`, and another table takes its name: a release that still runs reads and \
                         writes that one, without these rows",
                        existing.label
                    ),
                )
                .help("move the rows into the new table in this file, or leave them reachable under the old name"),
            ),
            ActionKind::SetSchema { schema } => {
                let to = ObjectName { schema: schema.clone(), name: existing.name.name.clone() };
                findings.push(flag(
                    existing.label.clone(),
                    "table",
                    &subject.label(&to),
                    "leave a view under the old name until no release asks for it",
                ));
            }
            _ => {}
        }
    }
}

/// How both releases find a table that gets another name.
pub(super) fn both_names(step: &Step<'_>, existing: &Existing, to: &str) -> String {
    let view = "leave a view under the old name until no release asks for it";
    let target = ObjectName { name: to.to_owned(), ..existing.name.clone() };
    let subject = step.subject;
    let whole = existing.name == existing.target && subject.after.tables.contains_key(&target);
    // Prisma's own join tables are not models, and follow them
    let before = subject.settings.earlier_schema().cloned().unwrap_or_default();
    let words = Some(rename::table_in_phases(step.catalog, (&existing.name, &target), &before, &Schema::default()))
        .filter(|_| whole && !existing.name.name.starts_with('_'))
        .flatten();
    match words {
        Some(words) => {
            format!("{view}: `{}` makes it, from schema.prisma as it was", rename::phases_command(&words))
        }
        None => view.to_owned(),
    }
}

/// Whether a table ends up elsewhere while another one has its name, and nothing in the file brings the rows there.
fn gives_its_name_away(step: &Step<'_>, name: &ObjectName, to: &str) -> bool {
    let subject = step.subject;
    let follows = || subject.script.statements().iter().filter(|other| other.range.start > step.statement.range.start);
    let stays_away = subject
        .followed(step.statement.range.start, name, None)
        .is_some_and(|(now, _)| now != *name && now.name != name.name);
    // `INSERT INTO "Song" SELECT … FROM "SongOld"`, `ATTACH PARTITION "SongOld"`
    let carried = || {
        follows().any(|other| {
            let words = tokens(subject.script.text().get(other.range.clone()).unwrap_or_default());
            let names = |name: &str| words.iter().any(|word| word.text.eq_ignore_ascii_case(name));
            names(&name.name) && names(to) && (names("select") || names("partition") || names("inherit"))
        })
    };
    subject.after.tables.contains_key(name) && stays_away && !carried()
}
