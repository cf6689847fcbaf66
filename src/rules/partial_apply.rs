//! A file that is not applied as a whole: by Prisma 7.4 and later on its own, or by anybody where it ends a transaction itself.

use super::delivery::{Delivery, splits};
use super::{Check, Finding, Rule, Severity, Step, Subject, unpaired_transaction};
use crate::sql::{ActionKind, ConstraintKind, Statement, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "partial-apply",
    severity: Severity::Info,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("partial_apply.md"),
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let statements: Vec<&Statement> = subject.script.statements().iter().filter(|it| counts(&it.kind)).collect();
    let own: Vec<&Statement> = statements.iter().copied().filter(|it| !is_control(&it.kind)).collect();
    // `unpaired-transaction` speaks of a file that ends a transaction which it never began
    if own.len() < 2 || concurrent(&own) || unpaired_transaction::ends_early(subject.script) {
        return;
    }
    let alone = subject.delivery == Delivery::Statements;
    let sections = matches!(subject.delivery, Delivery::Sections(_));
    let wrapped = statements.first().is_some_and(|it| it.kind == StatementKind::Begin)
        && statements.last().is_some_and(|it| it.kind == StatementKind::Commit)
        && statements.iter().filter(|it| it.kind == StatementKind::Begin).count() == 1;
    let ends_early = !wrapped && statements.iter().any(|it| it.kind == StatementKind::Commit);
    if wrapped || !(alone || sections || ends_early || splits(subject.settings.prisma)) {
        return;
    }
    // what never fails leaves nothing half done, and neither does what nothing was committed before
    let each = alone || splits(subject.settings.prisma) && !sections;
    let (mut committed, mut pending, mut in_block, mut risky) = (0, 0, false, None);
    let mut section = 0;
    for (statement, hold) in subject.script.statements().iter().zip(subject.holds()) {
        match &statement.kind {
            StatementKind::Begin | StatementKind::Commit if sections => {}
            StatementKind::Begin => in_block = true,
            StatementKind::Commit => {
                committed += std::mem::take(&mut pending);
                in_block = false;
            }
            kind if counts(kind) => {
                let now = subject.delivery.section(hold.range.start);
                if now != section {
                    section = now;
                    committed += std::mem::take(&mut pending);
                }
                if committed > 0 && risky.is_none() && hold.may_fail {
                    risky = Some(hold.range.clone());
                }
                *(if each && !in_block { &mut committed } else { &mut pending }) += 1;
            }
            _ => {}
        }
    }
    let Some(range) = risky else { return };
    let (message, help) = if sections {
        (
            "if this statement fails, the sections before it stay: prisma-safe commits the file in sections, and goes on behind the \
             last one when it is deployed again",
            "nothing has to be done with prisma-safe; if you deploy with plain Prisma, give each section a migration of its own",
        )
    } else if alone {
        (
            "if this statement fails, those before it stay: no transaction takes this file, and Prisma commits each statement",
            "give what cannot run in a transaction a migration of its own",
        )
    } else if ends_early {
        (
            "if this statement fails, what stands before a COMMIT in the file stays: prisma-safe applies it as a whole, Prisma alone does not",
            "deploy it with prisma-safe, or wrap the whole file in one BEGIN and COMMIT",
        )
    } else {
        (
            "if this statement fails, those before it stay: prisma-safe applies the file as a whole, Prisma 7.4 and later alone does not",
            "deploy it with prisma-safe, or wrap the file in BEGIN and COMMIT",
        )
    };
    let severity = if alone { Severity::Warning } else { Severity::Info };
    findings.push(Finding::new(&RULE, subject.migration, range, message).severity(severity).help(help));
}

fn counts(kind: &StatementKind) -> bool {
    !matches!(kind, StatementKind::Set { .. } | StatementKind::Comment)
}

fn is_control(kind: &StatementKind) -> bool {
    matches!(kind, StatementKind::Begin | StatementKind::Commit)
}

/// `concurrently-in-transaction` speaks of these.
fn concurrent(statements: &[&Statement]) -> bool {
    statements.iter().any(|statement| match &statement.kind {
        StatementKind::CreateIndex(index) => index.concurrently,
        StatementKind::DropIndex { concurrently, .. } => *concurrently,
        StatementKind::Other { words } => words.ends_with("CONCURRENTLY"),
        _ => false,
    })
}

/// Whether the rows that exist decide if the statement succeeds.
pub(super) fn may_fail(step: &Step<'_>) -> bool {
    match &step.statement.kind {
        StatementKind::Insert { table } | StatementKind::Update { table, .. } | StatementKind::Delete { table, .. } => {
            step.existing(table).is_some()
        }
        StatementKind::CreateIndex(index) => index.unique && step.existing(&index.table).is_some(),
        StatementKind::AlterTable { table, actions, .. } => {
            step.existing(table).is_some()
                && actions.iter().any(|action| match &action.kind {
                    ActionKind::SetNotNull { .. }
                    | ActionKind::SetType { .. }
                    | ActionKind::ValidateConstraint { .. } => true,
                    ActionKind::AddColumn { column, .. } => column.not_null && column.default.is_none(),
                    ActionKind::AddConstraint(constraint) => {
                        !constraint.not_valid
                            && !matches!(
                                constraint.kind,
                                ConstraintKind::Unique { using_index: Some(_), .. }
                                    | ConstraintKind::PrimaryKey { using_index: Some(_), .. }
                            )
                    }
                    _ => false,
                })
        }
        StatementKind::Do { .. } => true,
        _ => false,
    }
}
