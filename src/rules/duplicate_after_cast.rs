//! A change of type under a unique index: values that differ before may be equal afterwards.

use super::{Check, Finding, Key, Rule, Severity, Step, Which, cost};
use crate::catalog::Table;
use crate::effects::{Conversion, Effect, What};
use crate::sql::{ConstraintKind, DataType, Expr, quote_identifier};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "duplicate-after-cast",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("duplicate_after_cast.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for Effect { range, what } in step.effects {
        let What::Converted { table, column, from, to, using, how } = what else { continue };
        if !merges(from, to, how) {
            continue;
        }
        // what these migrations have made holds no values yet
        let Some(existing) = step.existing_object(table).filter(|it| !matches!(it.rows, Some(0 | 1)) || it.written)
        else {
            continue;
        };
        let Some(known) = step.catalog.tables.get(table) else { continue };
        let value = match using {
            Some(using) => using.text.clone(),
            None => format!("{}::{}", quote_identifier(column), spelled(to)),
        };
        for (name, columns) in unique_over(known, column) {
            let finding = Finding::new(
                &RULE,
                format!("{}.{column}", existing.label),
                range.clone(),
                format!(
                    "`{}.{column}` becomes {to}: values that differ now may be equal then, and `{name}` refuses duplicates",
                    existing.label
                ),
            )
            .help("find and settle the duplicates before the deploy");
            let key = |own: &String| match own == column {
                true => step
                    .holds_on_target(&existing, &Expr { text: value.clone() })
                    .then(|| Key::Expression(format!("({value})"))),
                false => step.column(&existing, own).map(Key::Column),
            };
            let keys: Option<Vec<Key>> = columns.iter().map(key).collect();
            let which = keys.as_ref().map(|keys| Which::Duplicated { keys, predicate: None, nulls_equal: false });
            let groups =
                which.as_ref().zip(step.subject.live).and_then(|(which, live)| live.count(&existing.target, which));
            match groups {
                Some(0) if !existing.written => {}
                Some(0) | None => findings.push(finding),
                Some(groups) => findings.push(
                    finding
                        .severity(Severity::Error)
                        .measured(format!("{} groups of rows are equal as {to}", cost::count(groups))),
                ),
            }
        }
    }
}

/// Whether two values that differ may become equal.
fn merges(from: &DataType, to: &DataType, how: &Conversion) -> bool {
    match how {
        Conversion::Same => false,
        // citext compares without case
        Conversion::Kept => to.name == "citext" && from.name != "citext",
        // '1' and '01' are one number; a repeated hour is one moment
        Conversion::Zoned { .. }
        | Conversion::Refused
        | Conversion::Altered
        | Conversion::Computed
        | Conversion::Unknown => true,
    }
}

/// What keeps a column unique, with all columns of it.
fn unique_over<'a>(table: &'a Table, column: &str) -> Vec<(&'a String, Vec<String>)> {
    let constraints = table.constraints.iter().filter_map(|(name, it)| match &it.kind {
        ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => {
            Some((name, columns.clone()))
        }
        _ => None,
    });
    let indexes = table.indexes.iter().filter(|(_, index)| index.unique && index.predicate.is_none()).filter_map(
        |(name, index)| {
            let columns: Option<Vec<String>> = index.keys.iter().map(|key| key.column.clone()).collect();
            columns.map(|columns| (name, columns))
        },
    );
    constraints.chain(indexes).filter(|(_, columns)| columns.iter().any(|own| own == column)).collect()
}

fn spelled(data_type: &DataType) -> String {
    let own = data_type.schema.as_ref().map_or_else(String::new, |schema| format!("{}.", quote_identifier(schema)));
    match crate::effects::retype::built_in(data_type) {
        true => data_type.to_string(),
        false => format!("{own}{}{}", quote_identifier(&data_type.name), if data_type.array { "[]" } else { "" }),
    }
}
