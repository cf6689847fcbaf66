//! A change of type that not every value survives.

use super::{Check, Finding, Lost, Rule, Severity, Step, Which, cost};
use crate::effects::retype::{self, Loss, Retype};
use crate::sql::ActionKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "narrow-type",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("narrow_type.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let ActionKind::SetType { column, data_type: to, using } = &action.kind else { continue };
        let Some(table) = step.existing(table) else { continue };
        let Some(on_target) = step.column(&table, column) else { continue };
        let Some(old) = step.catalog.tables.get(&table.name).and_then(|table| table.columns.get(column)) else {
            continue;
        };
        let from = &old.data_type;
        let is_enum = |data_type| step.catalog.enum_values(data_type).is_some();
        // from enum to enum is drop-enum-value's matter, and every enum has a text
        if is_enum(from) && (is_enum(to) || to.name == "text") {
            continue;
        }
        let object = format!("{}.{column}", table.label);
        let message = match retype::judge(from, to, using.as_ref(), column) {
            Retype::Instant | Retype::Rewrites => continue,
            Retype::Refuses => {
                format!("`{object}` goes from {from} to {to}: one value that does not fit and the deploy fails")
            }
            Retype::Alters => {
                format!("`{object}` goes from {from} to {to}: values that do not fit are cut or rounded in silence")
            }
            Retype::Unknown => {
                format!("`{object}` goes from {from} to {to}: whether every value survives is not known")
            }
        };
        let finding =
            Finding::new(&RULE, &object, action.range.clone(), message).replayed(format!("{object} is {from}"));
        let askable = retype::built_in(from) && retype::built_in(to) && from.array == to.array;
        let lost = step
            .subject
            .live
            .filter(|_| askable)
            .and_then(|live| live.lost(&table.target, &on_target, &Loss { from: from.clone(), to: to.clone() }));
        let lost = if table.rows == Some(0) { Some(Lost::Rows(0)) } else { lost };
        findings.push(match lost {
            Some(Lost::Rows(0)) if !table.written => finding
                .severity(Severity::Info)
                .measured(format!("every value of {object} fits {to}"))
                .help("the running release may still write values that do not fit: deploy the one that does not first"),
            Some(Lost::Rows(0)) | None => finding.help(help(&object)),
            Some(Lost::Rows(rows)) => {
                let verb = if rows == 1 { "holds a value that does" } else { "hold values that do" };
                let finding = finding.measured(format!("{} {verb} not fit {to}", cost::rows(rows)));
                let loss = Loss { from: from.clone(), to: to.clone() };
                step.naming(&table, &Which::Unfit { column: &on_target, loss: &loss }, finding).help(help(&object))
            }
            Some(Lost::Some) => {
                finding.measured(format!("at least one value of {object} cannot become {to}")).help(help(&object))
            }
        });
    }
}

fn help(object: &str) -> String {
    format!(
        "add a column of the new type, fill it, and move over to it in steps; or correct the values first\n\
         then accept the change: `-- prisma-safe:allow narrow-type({object}): why`"
    )
}
