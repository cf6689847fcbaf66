//! Who may see and do what: grants, row security, owners, functions that run with another's rights, and what reaches beyond the
//! database.

use super::{Check, Finding, Rule, Severity, Step, Subject};
use crate::catalog::ObjectName;
use crate::sql::tokens::{after, name, tokens};
use crate::sql::{ActionKind, StatementKind};

/// `GRANT` to everybody or of everything, `REVOKE`, `OWNER TO`.
pub(super) const ACCESS: Rule = Rule {
    id: "access-change",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("access_change.md"),
    check: Check::Statement(access),
};

/// Row level security and its policies.
pub(super) const ROWS: Rule = Rule {
    id: "row-security",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("row_security.md"),
    check: Check::Statement(rows),
};

/// `SECURITY DEFINER` without `SET search_path`.
pub(super) const SEARCH_PATH: Rule = Rule {
    id: "unpinned-search-path",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("unpinned_search_path.md"),
    check: Check::Statement(search_path),
};

/// Roles, settings of the server and of databases, tablespaces.
pub(super) const SERVER: Rule = Rule {
    id: "server-change",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("server_change.md"),
    check: Check::Statement(server),
};

fn access(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let ActionKind::Other { words } = &action.kind else { continue };
        if let Some(table) = step.existing(table).filter(|_| words.starts_with("OWNER TO")) {
            let message = format!(
                "gives `{}` another owner: the role that the application uses may lose its rights",
                table.label
            );
            findings.push(
                Finding::new(&ACCESS, &table.label, action.range.clone(), message)
                    .help("grant the old owner what it needs in the same migration"),
            );
        }
    }
    let StatementKind::Other { words } = &step.statement.kind else { return };
    let tokens = tokens(step.text());
    let object = after(&tokens, "on").and_then(|rest| {
        let rest = if rest.first().is_some_and(|token| token.is("table")) { &rest[1..] } else { rest };
        name(rest).map(|(name, _)| name)
    });
    let label = object.as_ref().map_or_else(|| words.clone(), |name| step.subject.label(&step.catalog.resolve(name)));
    if words.starts_with("REVOKE") {
        let message = format!("takes rights on `{label}` away: whoever still uses them fails from then on");
        findings.push(
            Finding::new(&ACCESS, label, step.statement.range.clone(), message)
                .help("make sure that no running release, report or replica connects as that role"),
        );
    } else if words.starts_with("GRANT") {
        let everybody = after(&tokens, "to public").is_some();
        let everything = after(&tokens, "grant all").is_some();
        if everybody || everything {
            let (what, whom) =
                (if everything { "every right" } else { "rights" }, if everybody { "everybody" } else { "a role" });
            findings.push(
                Finding::new(
                    &ACCESS,
                    &label,
                    step.statement.range.clone(),
                    format!("gives {whom} {what} on `{label}`"),
                )
                .help("name the rights and the role that needs them"),
            );
        }
    }
}

fn rows(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let range = step.statement.range.clone();
    for (table, action) in step.actions() {
        let ActionKind::Other { words } = &action.kind else { continue };
        let Some(existing) = step.existing(table) else { continue };
        let (label, range) = (existing.label.clone(), action.range.clone());
        let message = match words.as_str() {
            "DISABLE ROW LEVEL SECURITY" => {
                format!("every role with rights on `{label}` sees all of its rows from now on")
            }
            "FORCE ROW LEVEL SECURITY" => {
                format!("the policies of `{label}` bind its owner too: rows vanish for the application")
            }
            "ENABLE ROW LEVEL SECURITY" if !has_policy(step.subject, &existing.name) => {
                format!("`{label}` has no policy here: every role but its owner sees no row from now on")
            }
            _ => continue,
        };
        findings.push(
            Finding::new(&ROWS, label, range, message)
                .help("create the policies in the same migration, and try it with the role that the application uses"),
        );
    }
    if let StatementKind::Other { words } = &step.statement.kind
        && words.starts_with("DROP POLICY")
        && let Some(table) = on(step)
        && let Some(table) = step.existing_object(&table)
    {
        let message =
            format!("a policy of `{0}` goes: what it let through is hidden, what it hid may be seen", table.label);
        findings
            .push(Finding::new(&ROWS, &table.label, range, message).help("create its successor in the same migration"));
    }
}

/// The table after `ON`.
fn on(step: &Step<'_>) -> Option<ObjectName> {
    let tokens = tokens(step.text());
    let (name, _) = name(after(&tokens, "on")?)?;
    Some(step.catalog.resolve(&name))
}

/// Whether the migration creates a policy for the table.
fn has_policy(subject: &Subject<'_>, table: &ObjectName) -> bool {
    subject.script.statements().iter().any(|statement| {
        let step = Step { subject, statement, catalog: subject.before, origins: subject.origins, effects: &[] };
        matches!(&statement.kind, StatementKind::Other { words } if words.starts_with("CREATE POLICY"))
            && on(&step).as_ref() == Some(table)
    })
}

fn search_path(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::CreateFunction { name } = &step.statement.kind else { return };
    let tokens = tokens(step.text());
    if after(&tokens, "security definer").is_none() || after(&tokens, "set search_path").is_some() {
        return;
    }
    let label = step.subject.label(&step.catalog.resolve(name));
    findings.push(
        Finding::new(
            &SEARCH_PATH,
            &label,
            step.statement.range.clone(),
            format!("`{label}` runs with its owner's rights and its caller's search_path: a table put in front takes the place of the real one"),
        )
        .help("add `SET search_path = pg_catalog, public` (the schemas it needs) to the function"),
    );
}

/// First words, and what they reach.
const BEYOND: &[(&str, &str)] = &[
    ("ALTER SYSTEM", "a setting of the whole server"),
    ("ALTER DATABASE", "a setting of the database, for every session to come"),
    ("CREATE ROLE", "roles, which all databases of the server share"),
    ("CREATE USER", "roles, which all databases of the server share"),
    ("CREATE GROUP", "roles, which all databases of the server share"),
    ("ALTER ROLE", "roles, which all databases of the server share"),
    ("ALTER USER", "roles, which all databases of the server share"),
    ("DROP ROLE", "roles, which all databases of the server share"),
    ("DROP USER", "roles, which all databases of the server share"),
    ("CREATE TABLESPACE", "the server's disks"),
    ("DROP TABLESPACE", "the server's disks"),
    ("CREATE DATABASE", "another database"),
];

fn server(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Other { words } = &step.statement.kind else { return };
    let Some((first, reach)) = BEYOND.iter().find(|(first, _)| words.starts_with(first)) else { return };
    let secret = if after(&tokens(step.text()), "password").is_some() {
        ", and puts a password into version control"
    } else {
        ""
    };
    findings.push(
        Finding::new(
            &SERVER,
            *first,
            step.statement.range.clone(),
            format!("`{first}` changes {reach}{secret}: no backup of the database holds it, and a scratch database gets it too"),
        )
        .help("do it where the server is set up, not in a migration"),
    );
}
