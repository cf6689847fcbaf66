//! A foreign key between columns of different types: refused, or a column that is full before its parent's.

use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::Catalog;
use crate::effects::retype::{built_in, is_number};
use crate::sql::{ConstraintKind, DataType};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "foreign-key-type",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("foreign_key_type.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, range, constraint) in step.added_constraints() {
        let ConstraintKind::ForeignKey { columns, table: parent, referenced, .. } = &constraint.kind else { continue };
        let after = |name| step.subject.after.tables.get(&step.catalog.resolve(name));
        let (Some(child), Some(target)) = (after(table), after(parent)) else { continue };
        for (column, key) in columns.iter().zip(referenced) {
            let (Some(from), Some(to)) = (child.columns.get(column), target.columns.get(key)) else { continue };
            let (from, to) = (&from.data_type, &to.data_type);
            let label = step.subject.label(&step.catalog.resolve(table));
            let object = constraint.name.clone().unwrap_or_else(|| format!("{label}.{column}"));
            let pair = format!("`{label}.{column}` is {from}, and `{parent}.{key}` is {to}");
            let help = "give both columns the same type; in schema.prisma, the same scalar and `@db.` type";
            if !from.array && !to.array && is_number(from) && is_number(to) {
                if from.name != to.name {
                    findings.push(
                        Finding::new(
                            &RULE,
                            object,
                            range.clone(),
                            format!(
                                "{pair}: the narrower one is full first, and no index serves a join of both as it is"
                            ),
                        )
                        .severity(Severity::Warning)
                        .help(help),
                    );
                }
            } else if is_refused(step.catalog, from, to) {
                findings.push(
                    Finding::new(&RULE, object, range.clone(), format!("{pair}: PostgreSQL refuses this foreign key"))
                        .help(help),
                );
            }
        }
    }
}

/// Whether PostgreSQL compares no value of one with a value of the other; not where it is a user-defined type, such as a
/// domain: what that compares with is not known.
fn is_refused(catalog: &Catalog, from: &DataType, to: &DataType) -> bool {
    let is_known = |data_type| built_in(data_type) || catalog.enum_values(data_type).is_some();
    is_known(from) && is_known(to) && (from.array != to.array || family(from) != family(to))
}

/// Types that PostgreSQL compares with one another.
fn family(data_type: &DataType) -> &str {
    match data_type.name.as_str() {
        "text" | "character varying" | "character" => "text",
        "timestamp without time zone" | "timestamp with time zone" | "date" => "time",
        "inet" | "cidr" => "address",
        other => other,
    }
}
