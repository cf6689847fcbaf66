//! `timestamp` to `timestamptz` and back: the values are read in the session's time zone, and Prisma has written UTC.

use super::subject::Existing;
use super::{Check, Finding, Rule, Severity, Step};
use crate::effects::{Conversion, Effect, What};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "time-zone-cast",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("time_zone_cast.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    if step.subject.live.and_then(|live| live.utc()) == Some(true) {
        return;
    }
    for Effect { range, what } in step.effects {
        let What::Converted { table, column, how: Conversion::Zoned { zone: None }, .. } = what else { continue };
        let empty = |table: &Existing| table.rows == Some(0) && !table.written;
        let Some(table) = step.existing_object(table).filter(|table| !empty(table)) else { continue };
        let object = format!("{}.{column}", table.label);
        let message = format!(
            "`{object}` is read in the session's time zone, and Prisma has written UTC: elsewhere every value moves by hours"
        );
        let quoted = crate::sql::quote_identifier(column);
        findings.push(
            Finding::new(&RULE, object, range.clone(), message)
                .help(format!("say which zone the values are in: USING {quoted} AT TIME ZONE 'UTC'")),
        );
    }
}
