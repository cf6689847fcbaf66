//! A change of type under a unique index: values that differ before may be equal afterwards.

use super::subject::Existing;
use super::{Check, Finding, Key, Rule, Severity, Step, Which, cost};
use crate::catalog::Table;
use crate::effects::{Conversion, Effect, What};
use crate::sql::expression::{is_column, replace};
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
        // a label is cast to the one of its name, or refused
        let by_label = *how == Conversion::Refused && step.catalog.enum_values(to).is_some();
        if by_label || !merges(from, to, how) {
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
        for unique in unique_over(known, column) {
            let name = unique.name;
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
            let keys =
                unique.keys.iter().map(|own| key(step, &existing, own, (column, &value))).collect::<Option<Vec<Key>>>();
            // what the predicate lets through by the new type's rules is not asked
            let askable = unique.predicate.is_none_or(|it| !it.mentions(column) && step.holds_on_target(&existing, it));
            let which = keys.as_ref().filter(|_| askable).map(|keys| Which::Duplicated {
                keys,
                predicate: unique.predicate,
                nulls_equal: unique.nulls_equal,
            });
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
        Conversion::Same | Conversion::Mapped => false,
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

/// What keeps a column, or an expression over it, unique.
struct Unique<'a> {
    name: &'a String,
    keys: Vec<Own<'a>>,
    predicate: Option<&'a Expr>,
    nulls_equal: bool,
}

/// A key of it.
enum Own<'a> {
    Column(&'a String),
    /// In SQL.
    Expression(&'a String),
}

/// A key as the target knows it, with the new value in the column's place; none where a column in it has another name there.
fn key(step: &Step<'_>, table: &Existing, own: &Own<'_>, (column, value): (&String, &str)) -> Option<Key> {
    let value = format!("({value})");
    let text = match own {
        Own::Column(own) if *own == column => value,
        Own::Column(own) => return step.column(table, own).map(Key::Column),
        Own::Expression(text) => replace(text, |pieces, at| is_column(pieces, at, column).then(|| value.clone()))
            .unwrap_or_else(|| (*text).clone()),
    };
    step.holds_on_target(table, &Expr { text: text.clone() }).then_some(Key::Expression(text))
}

fn unique_over<'a>(table: &'a Table, column: &str) -> Vec<Unique<'a>> {
    let constraints = table.constraints.iter().filter_map(|(name, it)| match &it.kind {
        ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => {
            let keys = columns.iter().map(Own::Column).collect();
            Some(Unique { name, keys, predicate: None, nulls_equal: false })
        }
        _ => None,
    });
    let indexes = table.indexes.iter().filter(|(_, index)| index.unique).map(|(name, index)| Unique {
        name,
        keys: index
            .keys
            .iter()
            .map(|key| key.column.as_ref().map_or(Own::Expression(&key.text), Own::Column))
            .collect(),
        predicate: index.predicate.as_ref(),
        nulls_equal: index.nulls_not_distinct,
    });
    let about = |own: &Own<'_>| match own {
        Own::Column(own) => *own == column,
        Own::Expression(text) => Expr { text: (*text).clone() }.mentions(column),
    };
    constraints.chain(indexes).filter(|unique| unique.keys.iter().any(about)).collect()
}

fn spelled(data_type: &DataType) -> String {
    let own = data_type.schema.as_ref().map_or_else(String::new, |schema| format!("{}.", quote_identifier(schema)));
    match crate::effects::retype::built_in(data_type) {
        true => data_type.to_string(),
        false => format!("{own}{}{}", quote_identifier(&data_type.name), if data_type.array { "[]" } else { "" }),
    }
}
