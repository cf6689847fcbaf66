//! No `lock_timeout` in a file that plain Prisma deploys: it waits for a lock without end, and everybody waits behind it.

use super::{Check, Finding, Rule, Severity, Subject};
use crate::sql::StatementKind;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "no-lock-timeout",
    severity: Severity::Info,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("no_lock_timeout.md"),
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    // with the database in reach, this review is part of one of our deploys
    if !subject.settings.plain_deploys || subject.live.is_some() {
        return;
    }
    let (mut limited, mut found) = (false, None);
    for (statement, hold) in subject.script.statements().iter().zip(subject.holds()) {
        if let StatementKind::Set { name, .. } = &statement.kind {
            limited |= name == "lock_timeout";
        }
        if limited {
            break;
        }
        // a small table's lock is waited for as long as any other's
        if let Some((table, ..)) = hold.taken.first() {
            found = Some((table.label.clone(), hold.range.clone()));
            break;
        }
    }
    let Some((table, range)) = found else { return };
    let message = format!(
        "waits for the lock on `{table}` as long as it takes, and everybody who wants the table waits behind it: nothing shows that this \
         project deploys with prisma-safe, which sets limits by itself"
    );
    findings.push(Finding::new(&RULE, subject.migration, range, message).help(
        "deploy with `prisma-safe migrate deploy`, or begin the file with SET lock_timeout = '4s' (`prisma-safe review --fix --wrap`)",
    ));
}
