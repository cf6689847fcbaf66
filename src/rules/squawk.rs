//! Chosen rules of squawk, where the text alone decides: under our names, severities and pages.

use squawk_linter::{Linter, Rule as Theirs};
use squawk_syntax::SourceFile;

use super::{Check, Finding, Rule, Severity, Subject, unreadable_sql};
use crate::sql::tokens::{Kind, tokens};
use crate::sql::{ActionKind, StatementKind, guard};

/// `BEGIN` without `COMMIT`.
pub(super) const UNCOMMITTED: Rule = Rule {
    id: "uncommitted-transaction",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("uncommitted_transaction.md"),
    check: Check::Squawk,
};

/// `DROP DATABASE`.
pub(super) const DROP_DATABASE: Rule = Rule {
    id: "drop-database",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("drop_database.md"),
    check: Check::Squawk,
};

/// `DETACH PARTITION` without `CONCURRENTLY`.
pub(super) const BLOCKING_DETACH: Rule = Rule {
    id: "blocking-detach",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("blocking_detach.md"),
    check: Check::Squawk,
};

/// A domain's constraint is proved on every column of the domain.
pub(super) const DOMAIN_CONSTRAINT: Rule = Rule {
    id: "domain-constraint",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("domain_constraint.md"),
    check: Check::Squawk,
};

/// A column set twice in one statement.
pub(super) const DUPLICATE: Rule = Rule {
    id: "duplicate-assignment",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("duplicate_assignment.md"),
    check: Check::Squawk,
};

/// A matter of style: Prisma writes these by itself, so they are off by default.
const fn style(id: &'static str, page: &'static str) -> Rule {
    Rule { id, severity: Severity::Info, optional: true, acceptable: true, destroys: false, page, check: Check::Squawk }
}

/// A new column is an integer of 32 or 16 bits.
pub(super) const INT_COLUMN: Rule = style("int-column", include_str!("int_column.md"));

/// A new column is a serial.
pub(super) const SERIAL_COLUMN: Rule = style("serial-column", include_str!("serial_column.md"));

/// A new column has a length.
pub(super) const VARCHAR_COLUMN: Rule = style("varchar-column", include_str!("varchar_column.md"));

/// A new column is a timestamp without time zone.
pub(super) const TIMESTAMP_COLUMN: Rule = style("timestamp-column", include_str!("timestamp_column.md"));

/// A new column is padded with blanks.
pub(super) const CHAR_COLUMN: Rule = style("char-column", include_str!("char_column.md"));

/// A statement fails when it runs a second time.
pub(super) const NOT_IDEMPOTENT: Rule = style("not-idempotent", include_str!("not_idempotent.md"));

/// An enum value is added without a place.
pub(super) const UNORDERED_ENUM: Rule = style("unordered-enum-value", include_str!("unordered_enum_value.md"));

/// A rule of squawk, ours for it, what happens, and what to do instead.
type Chosen = (Theirs, &'static Rule, &'static str, &'static str);

pub(super) const CHOSEN: &[Chosen] = &[
    (
        Theirs::BanUncommittedTransaction,
        &UNCOMMITTED,
        "opens a transaction and never commits it: Prisma reports success, and everything is undone",
        "add the COMMIT, or leave BEGIN out: the deploy runs a migration in one transaction anyway",
    ),
    (
        Theirs::BanDropDatabase,
        &DROP_DATABASE,
        "drops a whole database",
        "a migration has no business with databases: drop it by hand, from another connection",
    ),
    (
        Theirs::RequireConcurrentPartitionDetach,
        &BLOCKING_DETACH,
        "detaches a partition and blocks all access to its parent",
        "use DETACH PARTITION … CONCURRENTLY, in a migration of its own",
    ),
    (
        Theirs::BanAlterDomainWithAddConstraint,
        &DOMAIN_CONSTRAINT,
        "proves a domain's new constraint in every table that uses it, under their locks",
        "add a check to the one table instead, NOT VALID first",
    ),
    (
        Theirs::BanDuplicateColumnAssignments,
        &DUPLICATE,
        "sets a column twice: PostgreSQL refuses the statement",
        "name each column once",
    ),
    (Theirs::PreferBigintOverInt, &INT_COLUMN, "adds an integer of 32 bits, which may be full one day", "use BigInt"),
    (
        Theirs::PreferBigintOverSmallint,
        &INT_COLUMN,
        "adds an integer of 16 bits, which may be full one day",
        "use BigInt",
    ),
    (Theirs::PreferIdentity, &SERIAL_COLUMN, "adds a serial", "use GENERATED ALWAYS AS IDENTITY in hand-written SQL"),
    (
        Theirs::PreferTextField,
        &VARCHAR_COLUMN,
        "adds a column with a length",
        "use text, and a check where the length matters",
    ),
    (Theirs::PreferTimestampTz, &TIMESTAMP_COLUMN, "adds a timestamp without time zone", "use `@db.Timestamptz`"),
    (Theirs::BanCharField, &CHAR_COLUMN, "adds a column that is padded with blanks", "use text"),
    (Theirs::PreferRobustStmts, &NOT_IDEMPOTENT, "fails when it runs a second time", "say IF NOT EXISTS or IF EXISTS"),
    (
        Theirs::RequireEnumValueOrdering,
        &UNORDERED_ENUM,
        "adds an enum value at the end",
        "say BEFORE or AFTER which value it stands",
    ),
];

/// Runs the chosen rules over the file at once. A linter keeps what it found, so each file gets a new one.
pub(crate) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let levels = &subject.settings.levels;
    let chosen: Vec<&Chosen> = CHOSEN.iter().filter(|(_, rule, ..)| levels.on(rule)).collect();
    let all = chosen.iter().any(|(_, rule, ..)| rule.optional);
    let of_interest = || subject.script.statements().iter().any(|it| is_of_interest(&it.kind));
    if !subject.script.errors().is_empty() || !(all || of_interest()) {
        return;
    }
    let text = without_ignores(subject);
    let violations = guard::catch(&text, || {
        let rules: Vec<Theirs> = chosen.iter().map(|(theirs, ..)| *theirs).collect();
        Linter::from(rules).lint(&SourceFile::parse(&text), &text)
    });
    let Ok(violations) = violations else {
        let finding =
            Finding::new(&unreadable_sql::RULE, subject.migration, 0..0, "could not be read: the linter broke on it");
        findings.push(finding.help("split the file to find the statement, and please report it"));
        return;
    };
    for violation in violations {
        let Some((_, rule, message, help)) = CHOSEN.iter().find(|(theirs, ..)| *theirs == violation.code) else {
            continue;
        };
        let range = std::ops::Range::<usize>::from(violation.text_range);
        let object = match rule.id {
            id if id == DOMAIN_CONSTRAINT.id => domain(subject, range.start),
            _ if rule.optional => place(subject, range.start, &text),
            _ => object(text.get(range.clone()).unwrap_or_default()),
        };
        // it points at each of two that do not go together
        if !findings.iter().any(|finding| finding.rule == rule.id && finding.object == object) {
            findings.push(Finding::new(rule, object, range, *message).help(*help));
        }
    }
}

/// The statements that the chosen rules can flag: everyday files are not parsed a second time.
fn is_of_interest(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Other { .. }
        | StatementKind::Begin
        | StatementKind::Insert { .. }
        | StatementKind::Update { .. } => true,
        StatementKind::AlterTable { actions, .. } => {
            actions.iter().any(|action| matches!(action.kind, ActionKind::Other { .. }))
        }
        _ => false,
    }
}

/// The text with squawk's own ignoring comments broken: only our accepting lines accept, with a reason.
fn without_ignores(subject: &Subject<'_>) -> String {
    let mut text = subject.script.text().to_owned();
    for comment in subject.script.comments() {
        let neutral = comment.text.replace("squawk-ignore", "squawk_ignore");
        let end = comment.range.start + comment.text.len();
        if text.get(comment.range.start..end) == Some(comment.text.as_str()) {
            text.replace_range(comment.range.start..end, &neutral);
        }
    }
    text
}

/// What a matter of style is about: the column before this place, else what its statement names first.
fn place(subject: &Subject<'_>, at: usize, text: &str) -> String {
    let statement = subject.script.statements().iter().find(|statement| statement.range.contains(&at));
    let Some(statement) = statement else { return String::new() };
    let column = || {
        let before = text.get(statement.range.start..at)?;
        let last = tokens(before).into_iter().next_back().filter(|token| token.kind == Kind::Quoted)?;
        Some(last.text.replace("\"\"", "\""))
    };
    let label = |table: &crate::sql::Name| subject.label(&subject.before.resolve(table));
    match &statement.kind {
        StatementKind::CreateTable { table, .. } | StatementKind::AlterTable { table, .. } => {
            column().map_or_else(|| label(table), |column| format!("{}.{column}", label(table)))
        }
        StatementKind::CreateIndex(index) => index.name.clone().unwrap_or_else(|| label(&index.table)),
        StatementKind::AddEnumValue { name, .. } | StatementKind::CreateEnum { name, .. } => label(name),
        _ => object(text.get(statement.range.clone()).unwrap_or_default()),
    }
}

/// The domain of the statement at this place.
fn domain(subject: &Subject<'_>, at: usize) -> String {
    let statement = subject.script.statements().iter().find(|statement| statement.range.contains(&at));
    let text = statement.and_then(|statement| subject.script.text().get(statement.range.clone())).unwrap_or_default();
    let names = tokens(text).into_iter().filter(|token| matches!(token.kind, Kind::Word | Kind::Quoted));
    names
        .skip_while(|token| !token.is("domain"))
        .nth(1)
        .map_or_else(String::new, |token| token.text.replace("\"\"", "\""))
}

/// The last name in what was flagged: `REINDEX INDEX "a"` is about `a`.
fn object(text: &str) -> String {
    let names = tokens(text).into_iter().rev().filter(|token| matches!(token.kind, Kind::Word | Kind::Quoted));
    let keyword = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
    let mut names = names.map(|token| token.text.replace("\"\"", "\""));
    let last = names.next().unwrap_or_default();
    if keyword(&last) { names.find(|name| !keyword(name)).unwrap_or(last) } else { last }
}
