//! A column dropped: the data in it is gone, and the running release still selects it.

use super::{Check, Finding, NOTHING_LOST, Rule, Severity, Step, Which, cost};
use crate::sql::ActionKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "drop-column",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("drop_column.md"),
    check: Check::Statement(check),
};

/// Up to so many rows are worth a look before their values go.
const FEW_ROWS: u64 = 100;

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let ActionKind::DropColumn { name, cascade, .. } = &action.kind else { continue };
        let Some(table) = step.existing(table) else { continue };
        let Some(on_target) = step.column_before(&table, name) else { continue };
        let object = format!("{}.{name}", table.label);
        let and_more = if *cascade { ", and CASCADE drops whatever depends on it" } else { "" };
        let finding = Finding::new(
            &RULE,
            &object,
            action.range.clone(),
            format!("drops column `{name}` of `{}` and every value in it{and_more}", table.label),
        );
        let known = step.catalog.tables.get(&table.name).and_then(|table| table.columns.get(name));
        if known.is_some_and(|column| column.generated.is_some()) {
            findings.push(
                finding
                    .severity(Severity::Warning)
                    .replayed(format!("{object} is generated: its values are computed from other columns"))
                    .help(
                        "deploy a release that no longer has the field first: the running one still selects the column",
                    ),
            );
            continue;
        }
        let held = step.subject.live.and_then(|live| live.count(&table.target, &Which::Set { column: &on_target }));
        findings.push(match held {
            Some(0) if !table.written => finding
                .severity(Severity::Warning)
                .measured(format!("0 rows hold a value in {object}: {NOTHING_LOST}"))
                .help("deploy a release that no longer has the field first: the running one still selects the column"),
            Some(held) => {
                let verb = if held == 1 { "holds" } else { "hold" };
                let finding = finding.measured(format!("{} {verb} a value in {object}", cost::rows(held)));
                // of many rows a few keys tell nothing; few may be there by mistake
                let few = held <= FEW_ROWS;
                let finding =
                    if few { step.naming(&table, &Which::Set { column: &on_target }, finding) } else { finding };
                finding.help(help(&object))
            }
            None => finding.help(help(&object)),
        });
    }
}

fn help(object: &str) -> String {
    format!(
        "if it was renamed, run `prisma-safe rewrite`; if it really goes, first deploy a release that does not use it\n\
         then accept the loss in this file: `-- prisma-safe:allow drop-column({object}): why`"
    )
}
