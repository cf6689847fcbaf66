//! A view, sequence, schema or extension dropped: no rows are lost, but a definition that Prisma does not know.

use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::ObjectName;
use crate::sql::tokens::{after, name, tokens};
use crate::sql::{Name, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "drop-object",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("drop_object.md"),
    check: Check::Statement(check),
};

/// First words of statements that drop a definition of people's own.
const OTHERS: &[(&str, &str)] = &[
    ("DROP FUNCTION", "function"),
    ("DROP PROCEDURE", "procedure"),
    ("DROP DOMAIN", "domain"),
    ("DROP RULE", "rule"),
    ("DROP AGGREGATE", "aggregate"),
    ("DROP TRIGGER", "trigger"),
    ("DROP EVENT TRIGGER", "event trigger"),
];

/// The name behind the first words, unless the migration creates it anew.
fn named(step: &Step<'_>, first: &str) -> Vec<String> {
    let tokens = tokens(step.text());
    let rest = after(&tokens, &first.to_lowercase()).unwrap_or_default();
    let rest = after(rest, "if exists").unwrap_or(rest);
    let Some((name, _)) = name(rest) else { return Vec::new() };
    let again = step.subject.script.statements().iter().any(|statement| match &statement.kind {
        StatementKind::CreateFunction { name: created } => *created == name,
        _ => {
            let text = step.subject.script.text().get(statement.range.clone()).unwrap_or_default();
            let tokens = self::tokens(text);
            let created =
                tokens.first().is_some_and(|word| word.is("create")).then(|| after(&tokens, "trigger")).flatten();
            created.and_then(self::name).is_some_and(|(created, _)| created == name)
        }
    });
    if again { Vec::new() } else { vec![name.to_string()] }
}

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let before = step.subject.before;
    let comes_back = |name: &ObjectName| step.subject.after.views.contains(name);
    let (what, names): (&str, Vec<String>) = match &step.statement.kind {
        StatementKind::DropView { names, cascade: false, .. } => {
            let gone = |name: &&Name| !comes_back(&step.catalog.resolve(name));
            ("view", names.iter().filter(gone).map(ToString::to_string).collect())
        }
        // a sequence that a column owned goes with `autoincrement()`: Prisma drops it by itself
        StatementKind::DropSequence { names, cascade: false } => {
            let free = |name: &&Name| matches!(before.sequences.get(&step.catalog.resolve(name)), Some(None));
            ("sequence", names.iter().filter(free).map(ToString::to_string).collect())
        }
        StatementKind::Other { words } => match OTHERS.iter().find(|(first, _)| words.starts_with(first)) {
            Some((first, what)) if !words.ends_with("CASCADE") => (*what, named(step, first)),
            _ => return,
        },
        StatementKind::DropSchema { names, cascade: false } => ("schema", names.clone()),
        StatementKind::DropExtension { names, cascade: false } => ("extension", names.clone()),
        _ => return,
    };
    findings.extend(names.iter().map(|name| {
        Finding::new(&RULE, name, step.statement.range.clone(), format!("drops {what} `{name}`")).help(format!(
            "make sure nothing reads the {what} any more, and keep its definition: Prisma cannot bring it back"
        ))
    }));
}
