//! Statements that rewrite a whole table and block all access to it: changes of type, and new columns whose value is
//! computed row by row.

use super::cost::Work;
use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::Table;
use crate::effects::retype::{self, Retype};
use crate::sql::{ActionKind, ColumnDef, DataType, Expr};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "table-rewrite",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("table_rewrite.md"),
    check: Check::Statement(check),
};

/// Functions of a default that PostgreSQL evaluates once for the whole table (not volatile), and words before a
/// parenthesis that are not functions. `now()` and `CURRENT_TIMESTAMP` cause no rewrite (measured).
const ONCE: &[&str] = &[
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtime",
    "localtimestamp",
    "transaction_timestamp",
    "statement_timestamp",
    "timezone",
    "date_trunc",
    "date_part",
    "extract",
    "to_char",
    "to_date",
    "to_timestamp",
    "make_interval",
    "make_date",
    "concat",
    "lower",
    "upper",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "md5",
    "round",
    "floor",
    "ceil",
    "abs",
    "length",
    "substring",
    "replace",
    "json_build_object",
    "jsonb_build_object",
    "json_build_array",
    "jsonb_build_array",
    "array",
    "row",
    "cast",
    "varying",
    "char",
    "varchar",
    "numeric",
    "decimal",
    "timestamp",
    "timestamptz",
    "time",
    "interval",
    "bit",
    "character",
    "current_setting",
    "current_user",
    "txid_current",
    "pg_current_xact_id",
    "decode",
    "encode",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "to_tsvector",
    "point",
    "box",
];

/// Actions that copy the table.
const COPYING: &[&str] =
    &["SET LOGGED", "SET UNLOGGED", "SET TABLESPACE", "SET ACCESS METHOD", "ALTER COLUMN SET EXPRESSION"];

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let Some(table) = step.existing(table) else { continue };
        let known = step.catalog.tables.get(&table.name);
        let (object, why) = match &action.kind {
            ActionKind::AddColumn { column, .. } => {
                let Some(why) = computed(column) else { continue };
                (format!("{}.{}", table.label, column.name), why)
            }
            ActionKind::SetType { column, data_type, using } => {
                let text = step.subject.script.text().get(action.range.clone()).unwrap_or_default();
                let collated = crate::sql::tokens::tokens(text).iter().any(|token| token.is("collate"));
                let why = match retyped(step, known, column, data_type, using.as_ref()) {
                    Some(why) => why,
                    None if collated => format!("with another collation, every index of {column} is built again"),
                    None => continue,
                };
                (format!("{}.{column}", table.label), why)
            }
            ActionKind::Other { words } if COPYING.iter().any(|copying| words.starts_with(copying)) => {
                (table.label.clone(), format!("{words} copies the table"))
            }
            _ => continue,
        };
        let finding = Finding::new(
            &RULE,
            object,
            action.range.clone(),
            format!("rewrites every row of `{}` and blocks all access to it: {why}", table.label),
        )
        .help("on a large table: add a nullable column without a default, fill it in batches, then move over to it");
        if table.rows != Some(0) {
            findings.extend(step.weigh(&table, Work::Rewrite, finding));
        }
    }
}

/// Why a new column's value has to be computed for every row.
pub(super) fn computed(column: &ColumnDef) -> Option<String> {
    if matches!(column.data_type.name.as_str(), "serial" | "bigserial" | "smallserial") || column.identity {
        return Some("each row takes its own number from the sequence".into());
    }
    if column.generated.is_some() {
        // PostgreSQL 18 computes one that is not stored when it is read; earlier releases refuse it
        return column.stored.then(|| "a generated column is stored in each row".into());
    }
    let default = column.default.as_ref()?;
    let volatile = crate::sql::tokens::calls(&default.text).into_iter().find(|name| !ONCE.contains(&name.as_str()))?;
    Some(format!("`{volatile}()` gives each row a value of its own"))
}

fn retyped(
    step: &Step<'_>,
    known: Option<&Table>,
    column: &str,
    to: &DataType,
    using: Option<&Expr>,
) -> Option<String> {
    let from = &known?.columns.get(column)?.data_type;
    let is_enum = |data_type| step.catalog.enum_values(data_type).is_some();
    // Prisma's way to change an enum: not worth a word unless the table is known to be large
    if is_enum(from) && is_enum(to) && step.subject.live.is_none() {
        return None;
    }
    let verdict = retype::judge(from, to, using, column);
    // what may lose values is narrow-type's matter; a rewrite is worth a word beside it where the size is known
    if step.subject.live.is_none() && verdict != Retype::Rewrites {
        return None;
    }
    (from != to && verdict != Retype::Instant).then(|| format!("{column} goes from {from} to {to}"))
}
