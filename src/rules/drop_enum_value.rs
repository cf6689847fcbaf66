//! An enum's value removed: PostgreSQL cannot, so Prisma builds a new type and casts every column over.

use super::{Check, Finding, Rule, Severity, Step, Which, cost};
use crate::effects::{Conversion, Effect, What};

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
    for Effect { range, what } in step.effects {
        let What::LabelsGone { enumeration, labels, table, column } = what else { continue };
        // what these migrations have made holds no values yet
        let Some(table) = step.existing_object(table) else { continue };
        let Some(on_target) = step.column(&table, column) else { continue };
        let converted = step.effects.iter().find_map(|effect| match &effect.what {
            What::Converted { column: own, from, how, .. } if own == column => Some((from.array, how)),
            _ => None,
        });
        let maps = converted.is_some_and(|(_, how)| *how == Conversion::Computed);
        let array = converted.is_some_and(|(array, _)| array);
        for label in labels {
            let object = format!("{}.{label}", step.subject.label(enumeration));
            let place = format!("{}.{column}", table.label);
            let message = if maps {
                format!(
                    "removes `{object}`, and USING maps it to another value: rows of `{place}` that held it cannot be told from the others afterwards"
                )
            } else {
                format!("removes `{object}`: rows of `{place}` that hold it make the deploy fail")
            };
            let finding = Finding::new(&RULE, &object, range.clone(), message);
            let which = Which::Holding { column: &on_target, values: std::slice::from_ref(label), array };
            let held = step.subject.live.and_then(|live| live.count(&table.target, &which));
            findings.push(match held {
                Some(0) if !table.written => finding
                    .severity(Severity::Warning)
                    .measured(format!("0 rows of {place} hold `{label}` now"))
                    .help("deploy a release first that no longer writes the value: the running one still may"),
                Some(held) => {
                    let finding = finding.measured(format!("{} of {place}: `{label}`", cost::rows(held)));
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
