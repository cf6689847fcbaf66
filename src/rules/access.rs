//! Who may see and do what: grants, row security, owners, functions that run with another's rights, and what reaches beyond the
//! database.

use super::{Check, Finding, Rule, Severity, Step, Subject};
use crate::catalog::ObjectName;
use crate::sql::tokens::{Token, after, name, tokens};
use crate::sql::{ActionKind, Name, StatementKind};

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
    let everybody = after(&tokens, "to public").is_some();
    let everything = after(&tokens, "grant all").is_some();
    if !words.starts_with("REVOKE") && !(words.starts_with("GRANT") && (everybody || everything)) {
        return;
    }
    let mut objects = after(&tokens, "on").map(|rest| objects(step, rest)).unwrap_or_default();
    if objects.is_empty() {
        // membership in a role
        objects.push((words.clone(), format!("`{words}`")));
    }
    for (label, said) in objects {
        let finding = |message| Finding::new(&ACCESS, &label, step.statement.range.clone(), message);
        findings.push(match words.starts_with("REVOKE") {
            true => finding(format!("takes rights on {said} away: sessions that still use them fail from then on"))
                .help("make sure that no running release, report or replica connects as that role"),
            false => {
                let what = if everything { "every right" } else { "rights" };
                let whom = if everybody { "everybody" } else { "a role" };
                finding(format!("gives {whom} {what} on {said}")).help("name the rights and the role that needs them")
            }
        });
    }
}

/// What stands behind `ON`: for each object its label, and what it is called in a sentence.
fn objects(step: &Step<'_>, rest: &[Token<'_>]) -> Vec<(String, String)> {
    // these have no schema
    const PLAIN: &[&str] = &[
        "schema",
        "database",
        "language",
        "tablespace",
        "parameter",
        "foreign data wrapper",
        "foreign server",
        "large object",
    ];
    const QUALIFIED: &[&str] = &["table", "sequence", "function", "procedure", "routine", "type", "domain"];
    let begins = |words: &str| words.split(' ').zip(rest).filter(|(word, token)| token.is(word)).count();
    let behind = |words: &&&str| (begins(words) == words.split(' ').count()).then_some(begins(words));
    if rest.first().is_some_and(|token| token.is("all"))
        && let Some(schemas) = after(rest, "in schema")
    {
        let kind = rest.get(1).map_or_else(String::new, |kind| kind.text.to_lowercase());
        return names(schemas)
            .map(|name| (name.name.clone(), format!("all {kind} in schema `{}`", name.name)))
            .collect();
    }
    if let Some(words) = PLAIN.iter().find_map(|words| behind(&words)) {
        return names(&rest[words..]).map(|name| (name.name.clone(), format!("`{}`", name.name))).collect();
    }
    let words = QUALIFIED.iter().find_map(|words| behind(&words)).unwrap_or_default();
    let label = |name: Name| step.subject.label(&step.catalog.resolve(&name));
    names(&rest[words..]).map(label).map(|label| (label.clone(), format!("`{label}`"))).collect()
}

/// The names of a list; a function's arguments are left out.
fn names(rest: &[Token<'_>]) -> impl Iterator<Item = Name> {
    let mut depth = 0;
    let mut starts = vec![0];
    for (at, token) in rest.iter().enumerate() {
        match token.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            "," if depth == 0 => starts.push(at + 1),
            _ if depth == 0 && (token.is("to") || token.is("from")) => break,
            _ => {}
        }
    }
    starts.into_iter().filter_map(|at| Some(name(rest.get(at..)?)?.0))
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
