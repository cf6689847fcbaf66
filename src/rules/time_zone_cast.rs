//! `timestamp` to `timestamptz` and back: the values are read in the session's time zone, and Prisma has written UTC.

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::ActionKind;

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
    for (table, action) in step.actions() {
        let ActionKind::SetType { column, data_type: to, using } = &action.kind else { continue };
        let Some(table) = step.existing(table).filter(|table| table.rows != Some(0) || table.written) else { continue };
        let Some(known) = step.catalog.tables.get(&table.name).and_then(|table| table.columns.get(column)) else {
            continue;
        };
        const WITH: &str = "timestamp with time zone";
        const WITHOUT: &str = "timestamp without time zone";
        let crosses = matches!((known.data_type.name.as_str(), to.name.as_str()), (WITH, WITHOUT) | (WITHOUT, WITH));
        let said = using.as_ref().is_some_and(|using| using.text.to_lowercase().contains("at time zone"));
        if !crosses || said {
            continue;
        }
        let object = format!("{}.{column}", table.label);
        let message = format!(
            "`{object}` is read in the session's time zone, and Prisma has written UTC: elsewhere every value moves by hours"
        );
        let quoted = crate::sql::quote_identifier(column);
        findings.push(
            Finding::new(&RULE, object, action.range.clone(), message)
                .help(format!("say which zone the values are in: USING {quoted} AT TIME ZONE 'UTC'")),
        );
    }
}
