//! A change of type that not every value survives.

use super::{Check, Finding, Lost, Rule, Severity, Step, Which, cost};
use crate::effects::retype::{self, Loss};
use crate::effects::{Conversion, Effect, What, conversion};
use crate::sql::DataType;

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
    for Effect { range, what } in step.effects {
        let What::Converted { table, column, from, to, using, how } = what else { continue };
        // what these migrations have made holds no values yet
        let Some(table) = step.existing_object(table) else { continue };
        let Some(on_target) = step.column(&table, column) else { continue };
        // labels that go are drop-enum-value's matter, where nothing else happens to the values
        let labels = |effect: &Effect| matches!(&effect.what, What::LabelsGone { column: own, .. } if own == column);
        if step.effects.iter().any(labels) {
            continue;
        }
        let object = format!("{}.{column}", table.label);
        let Some(message) = message(&object, from, to, how) else { continue };
        let finding = Finding::new(&RULE, &object, range.clone(), message).replayed(format!("{object} is {from}"));
        // what jsonb does not keep is seldom meant: white space, the order of keys, all but the last of equal keys
        if from.name == "json" && to.name == "jsonb" && *how == Conversion::Altered {
            findings.push(finding.severity(Severity::Warning).help(
                "if the text itself matters, keep it as json or text; to look for repeated keys, compare with `::jsonb` on a copy",
            ));
            continue;
        }
        // the target is asked about the plain cast only
        let askable = conversion::is_direct(to, using.as_ref(), column)
            && retype::built_in(from)
            && retype::built_in(to)
            && from.array == to.array;
        let loss = Loss { from: from.clone(), to: to.clone() };
        let lost = step.subject.live.filter(|_| askable).and_then(|live| live.lost(&table.target, &on_target, &loss));
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
                step.naming(&table, &Which::Unfit { column: &on_target, loss: &loss }, finding).help(help(&object))
            }
            Some(Lost::Some) => {
                finding.measured(format!("at least one value of {object} cannot become {to}")).help(help(&object))
            }
        });
    }
}

/// What happens to values; none where each of them is kept.
fn message(object: &str, from: &DataType, to: &DataType, how: &Conversion) -> Option<String> {
    let change = format!("`{object}` goes from {from} to {to}");
    Some(match how {
        Conversion::Same | Conversion::Kept | Conversion::Mapped | Conversion::Zoned { .. } => return None,
        Conversion::Refused => format!("{change}: one value that does not fit and the deploy fails"),
        Conversion::Altered => format!("{change}: values that do not fit are cut or rounded in silence"),
        Conversion::Computed if from == to => {
            format!("`{object}` is computed anew by USING: the values before cannot be told from those after")
        }
        Conversion::Computed => {
            format!("{change}, and USING computes the values: those before cannot be told from those after")
        }
        Conversion::Unknown => format!("{change}: whether every value survives is not known"),
    })
}

fn help(object: &str) -> String {
    format!(
        "add a column of the new type, fill it, and move over to it in steps; or correct the values first\n\
         then accept the change: `-- prisma-safe:allow narrow-type({object}): why`"
    )
}
