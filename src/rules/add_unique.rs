//! A unique index, unique constraint or primary key over columns that have data.

use super::subject::Existing;
use super::{Check, Finding, Key, Rule, Severity, Step, Which, cost};
use crate::catalog::{ObjectName, Table};
use crate::sql::{ConstraintKind, Expr, IndexKey, Name, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "add-unique",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("add_unique.md"),
    check: Check::Statement(check),
};

/// What is to be unique.
struct Demand<'a> {
    table: &'a Name,
    object: String,
    range: std::ops::Range<usize>,
    keys: Vec<Key>,
    /// None where a key is an expression.
    columns: Option<Vec<String>>,
    predicate: Option<&'a Expr>,
    nulls_equal: bool,
}

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for demand in demands(step) {
        if let Some(label) = step.filled(demand.table) {
            findings.extend(of_filled(step, &demand, &label));
        }
        let Some(table) = step.existing(demand.table) else { continue };
        if matches!(table.rows, Some(0 | 1)) && !table.written || covered(step, &table.name, &demand) {
            continue;
        }
        let finding = Finding::new(
            &RULE,
            &demand.object,
            demand.range.clone(),
            format!("demands unique values of `{}` ({}): this fails on one duplicate", table.label, demand.columns()),
        )
        .help(format!(
            "find and settle duplicates before the deploy; `{}` must be unique in the running release's writes as well",
            demand.object
        ));
        findings.extend(match duplicates(step, &table, &demand) {
            Some(0) => None,
            Some(groups) => {
                let finding = naming(
                    step,
                    &table,
                    &demand,
                    finding.measured(if groups == 1 {
                        "1 value stands in more than one row".into()
                    } else {
                        format!("{} values stand in more than one row", cost::count(groups))
                    }),
                );
                Some(if table.written { finding } else { finding.severity(Severity::Error) })
            }
            None if is_empty(step, &table.name, &demand) => None,
            // the advised form, which blocks no session and can be tried again: a note where the rows were not looked at
            None if is_concurrent(step) => Some(finding.severity(Severity::Info)),
            None => Some(finding),
        });
    }
}

fn is_concurrent(step: &Step<'_>) -> bool {
    matches!(&step.statement.kind, StatementKind::CreateIndex(index) if index.concurrently)
}

/// A demand on rows that the migrations under review have put into a new table.
fn of_filled(step: &Step<'_>, demand: &Demand<'_>, label: &str) -> Option<Finding> {
    let name = step.catalog.resolve(demand.table);
    let message = format!(
        "demands unique values of `{label}` ({}), into which rows were put whose number and values nobody knows: this fails on one \
         duplicate",
        demand.columns()
    );
    let finding = Finding::new(&RULE, &demand.object, demand.range.clone(), message)
        .help("demand it before the rows come, or let the query that fetches them leave duplicates out");
    (!covered(step, &name, demand)).then_some(finding)
}

fn demands<'a>(step: &Step<'a>) -> Vec<Demand<'a>> {
    if let StatementKind::CreateIndex(index) = &step.statement.kind {
        let columns: Option<Vec<String>> = index.keys.iter().map(|key| key.column.clone()).collect();
        let key = |key: &IndexKey| match &key.column {
            Some(column) => Key::Column(column.clone()),
            None => Key::Expression(key.text.clone()),
        };
        let keys = index.keys.iter().map(key).collect();
        let object = index.name.clone().unwrap_or_else(|| index.table.name.clone());
        return Vec::from_iter(index.unique.then(|| Demand {
            table: &index.table,
            object,
            range: step.statement.range.clone(),
            keys,
            columns,
            predicate: index.predicate.as_ref(),
            nulls_equal: index.nulls_not_distinct,
        }));
    }
    step.added_constraints()
        .filter_map(|(table, range, constraint)| {
            let (columns, nulls_equal) = match &constraint.kind {
                ConstraintKind::PrimaryKey { columns, using_index: None } => (columns, true),
                ConstraintKind::Unique { columns, using_index: None } => (columns, false),
                _ => return None,
            };
            let object = constraint.name.clone().unwrap_or_else(|| format!("{}.{}", table.name, columns.join("_")));
            let keys = columns.iter().cloned().map(Key::Column).collect();
            Some(Demand { table, object, range, keys, columns: Some(columns.clone()), predicate: None, nulls_equal })
        })
        .collect()
}

/// Groups of duplicates on the target; not known where one of the columns is new.
fn duplicates(step: &Step<'_>, table: &Existing, demand: &Demand<'_>) -> Option<u64> {
    let live = step.subject.live?;
    let keys = on_target(step, table, &demand.keys, demand.predicate)?;
    live.count(&table.target, &demand.which(&keys))
}

fn naming(step: &Step<'_>, table: &Existing, demand: &Demand<'_>, finding: Finding) -> Finding {
    match on_target(step, table, &demand.keys, demand.predicate) {
        Some(keys) => step.naming(table, &demand.which(&keys), finding),
        None => finding,
    }
}

/// The keys as the target names them. An expression is text: it holds there only where no column in it has another name.
fn on_target(step: &Step<'_>, table: &Existing, keys: &[Key], predicate: Option<&Expr>) -> Option<Vec<Key>> {
    if predicate.is_some_and(|predicate| !step.holds_on_target(table, predicate)) {
        return None;
    }
    let translated = keys.iter().map(|key| match key {
        Key::Column(column) => step.column(table, column).map(Key::Column),
        Key::Expression(text) => step.holds_on_target(table, &Expr { text: text.clone() }).then(|| key.clone()),
    });
    translated.collect()
}

impl<'a> Demand<'a> {
    fn columns(&self) -> String {
        self.columns.as_ref().map_or_else(|| "an expression".to_owned(), |columns| columns.join(", "))
    }

    fn which<'b>(&'b self, keys: &'b [Key]) -> Which<'b>
    where
        'a: 'b,
    {
        Which::Duplicated { keys, predicate: self.predicate, nulls_equal: self.nulls_equal }
    }
}

/// Whether one of the columns is new and NULL in every row: nothing is equal to NULL. A serial is new and unique.
fn is_empty(step: &Step<'_>, table: &ObjectName, demand: &Demand<'_>) -> bool {
    if demand.nulls_equal && !is_serial(step, table, demand) {
        return false;
    }
    let Some(existing) = step.existing_object(table) else { return true };
    let Some(known) = step.subject.after.tables.get(table) else { return false };
    !existing.written
        && demand.columns.iter().flatten().any(|name| {
            step.column(&existing, name).is_none()
                && known.columns.get(name).is_some_and(|column| column.default.is_none() || is_counter(known, name))
        })
}

fn is_serial(step: &Step<'_>, table: &ObjectName, demand: &Demand<'_>) -> bool {
    let known = step.subject.after.tables.get(table);
    known.is_some_and(|known| demand.columns.iter().flatten().any(|name| is_counter(known, name)))
}

fn is_counter(table: &Table, column: &str) -> bool {
    table.columns.get(column).is_some_and(|column| {
        let default = column.default.as_ref().map(|default| default.text.to_lowercase());
        column.identity || default.is_some_and(|text| text.contains("nextval(") || text.contains("gen_random_uuid("))
    })
}

/// Whether something unique over some of the same columns exists already: then there can be no duplicates.
fn covered(step: &Step<'_>, table: &ObjectName, demand: &Demand<'_>) -> bool {
    let (Some(known), Some(columns)) = (step.catalog.tables.get(table), &demand.columns) else { return false };
    let within = |keys: &[String]| !keys.is_empty() && keys.iter().all(|key| columns.contains(key));
    let by_index = known.indexes.values().filter(|index| index.unique && index.predicate.is_none()).any(|index| {
        let keys: Option<Vec<String>> = index.keys.iter().map(|key| key.column.clone()).collect();
        keys.is_some_and(|keys| within(&keys))
    });
    by_index
        || known.constraints.values().any(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => within(columns),
            _ => false,
        })
}
