//! An enum's value removed: PostgreSQL cannot, so Prisma builds a new type and casts every column over.

use super::{Check, Finding, Rule, Severity, Step, Which, cost};
use crate::sql::ActionKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "drop-enum-value",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("drop_enum_value.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let ActionKind::SetType { column, data_type, .. } = &action.kind else { continue };
        let Some(table) = step.existing(table) else { continue };
        let Some(on_target) = step.column(&table, column) else { continue };
        let Some(old) = step.catalog.tables.get(&table.name).and_then(|table| table.columns.get(column)) else {
            continue;
        };
        let old_name = step.catalog.type_name(&old.data_type);
        let values = |data_type| step.catalog.enum_values(data_type);
        let (Some(before), Some(after)) = (values(&old.data_type), values(data_type)) else { continue };
        for value in before.iter().filter(|value| !after.contains(value)) {
            let object = format!("{}.{value}", step.subject.label(&old_name));
            let finding = Finding::new(
                &RULE,
                &object,
                action.range.clone(),
                format!("removes `{object}`: rows of `{}.{column}` that hold it make the deploy fail", table.label),
            );
            let which =
                Which::Holding { column: &on_target, values: std::slice::from_ref(value), array: old.data_type.array };
            let held = step.subject.live.and_then(|live| live.count(&table.target, &which));
            findings.push(match held {
                Some(0) if !table.written => finding
                    .severity(Severity::Warning)
                    .measured(format!("0 rows of {}.{column} hold `{value}` now", table.label))
                    .help("deploy a release first that no longer writes the value: the running one still may"),
                Some(held) => {
                    let finding =
                        finding.measured(format!("{} of {}.{column}: `{value}`", cost::rows(held), table.label));
                    let finding = if held > 0 { step.naming(&table, &which, finding) } else { finding };
                    finding.help(help(&object))
                }
                None => finding.help(help(&object)),
            });
        }
    }
}

fn help(object: &str) -> String {
    format!(
        "if it was renamed, `ALTER TYPE … RENAME VALUE` keeps the rows (`prisma-safe rewrite` writes it); else move the rows \
         to another value in an earlier release\nor accept it: `-- prisma-safe:allow drop-enum-value({object}): why`"
    )
}
