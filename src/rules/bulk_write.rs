//! Many rows written by one statement of a migration: each stays locked, and nothing is visible, until it is committed.

use super::batch::is_bounded;
use super::cost::Work;
use super::locks::sources;
use super::subject::Existing;
use super::update_without_where::overwritten;
use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::StatementKind;
use crate::sql::tokens::tokens;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "bulk-write",
    severity: Severity::Info,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("bulk_write.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let range = step.statement.range.clone();
    let mut flag = |table: &Existing, message: String| {
        if table.rows == Some(0) && !table.written {
            return;
        }
        let finding = Finding::new(&RULE, &table.label, range.clone(), message)
            .help("write in batches outside of the migration, each committed by itself, in ranges of the primary key");
        // no lock on the table: what is large is a warning, never an error
        findings.extend(step.weigh(table, Work::Rewrite, finding).map(|finding| match table.rows {
            None => finding.severity(Severity::Info),
            Some(_) => finding.severity(Severity::Warning),
        }));
    };
    match &step.statement.kind {
        StatementKind::Update { .. } if is_bounded(step.text()) => {}
        StatementKind::Update { table, .. } => {
            let Some(table) = step.existing(table) else { return };
            // one word is enough where the size is not known
            if table.rows.is_none() && !overwritten(step).is_empty() {
                return;
            }
            flag(
                &table,
                format!("writes rows of `{}` in one transaction, and keeps each locked until it ends", table.label),
            );
        }
        StatementKind::Insert { .. } | StatementKind::CreateTable { as_query: true, .. } if has_query(step) => {
            for table in sources(step) {
                flag(&table, format!("copies rows of `{}` in one statement of the migration", table.label));
            }
        }
        _ => {}
    }
}

fn has_query(step: &Step<'_>) -> bool {
    tokens(step.text()).iter().any(|token| token.is("select"))
}
