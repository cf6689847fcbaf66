//! Two catalogs compared: with names, without column order.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::canonical::canonical;
use super::{Catalog, Column, Constraint, Index, ObjectName, Table};
use crate::sql::{ConstraintKind, Expr};

impl Catalog {
    /// How `other` differs from this one, a sentence each: what is missing there, what is there in addition, and what
    /// is defined differently. The order of columns is not a difference.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let definitions = Definitions { schema: &self.default_schema };
        let schemas = |catalog: &Self| catalog.schemas.iter().map(|name| (name.clone(), ())).collect();
        compare(&mut found, &schemas(self), &schemas(other), |name| format!("schema {name}"), |_, _, (), ()| {});
        let views = |catalog: &Self| catalog.views.iter().map(|name| (name.clone(), ())).collect();
        compare(
            &mut found,
            &views(self),
            &views(other),
            |name| format!("view {}", self.short(name)),
            |_, _, (), ()| {},
        );
        compare(
            &mut found,
            &self.enums,
            &other.enums,
            |name| format!("enum {}", self.short(name)),
            |found, what, left, right| changed(found, what, "the values", &left.join(", "), &right.join(", ")),
        );
        compare(
            &mut found,
            &self.sequences,
            &other.sequences,
            |name| format!("sequence {}", self.short(name)),
            |found, what, left, right| changed(found, what, "the owner", &self.owner(left), &self.owner(right)),
        );
        compare(
            &mut found,
            self.tables.shared(),
            other.tables.shared(),
            |name| format!("table {}", self.short(name)),
            |found, what, left, right| {
                let name = what.trim_start_matches("table ");
                definitions.tables(found, name, left, right);
            },
        );
        let opaque = |catalog: &Self| catalog.opaque.iter().map(|opaque| opaque.words.clone()).collect::<Vec<_>>();
        let (left, right) = (opaque(self), opaque(other));
        if left != right {
            found.push(format!("statements that could not be followed: {} instead of {}", list(&right), list(&left)));
        }
        found
    }

    fn owner(&self, owner: &Option<(ObjectName, String)>) -> String {
        let owner = owner.as_ref();
        owner.map_or_else(|| "no column".to_owned(), |(table, column)| format!("{}.{column}", self.short(table)))
    }
}

impl Constraint {
    /// Whether both demand the same, whatever their names.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self == other || self.valid == other.valid && ALONE.constraint(&self.kind) == ALONE.constraint(&other.kind)
    }
}

impl Index {
    /// Whether both are defined the same, whatever their names.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self == other || ALONE.index(self) == ALONE.index(other)
    }
}

impl Column {
    /// Whether both have the same default.
    pub(crate) fn same_default(&self, other: &Self) -> bool {
        ALONE.expr(self.default.as_ref(), self) == ALONE.expr(other.default.as_ref(), other)
    }
}

/// Two definitions compared outside of their catalog.
const ALONE: Definitions<'static> = Definitions { schema: "public" };

fn list(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// Walks two maps: keys of one side only are missing or additional, and values of both are looked at by `both`.
fn compare<K: Ord, V>(
    found: &mut Vec<String>,
    left: &BTreeMap<K, V>,
    right: &BTreeMap<K, V>,
    what: impl Fn(&K) -> String,
    both: impl Fn(&mut Vec<String>, &str, &V, &V),
) {
    for (key, value) in left {
        match right.get(key) {
            Some(other) => both(found, &what(key), value, other),
            None => found.push(format!("{} is missing", what(key))),
        }
    }
    for key in right.keys().filter(|key| !left.contains_key(key)) {
        found.push(format!("{} is additional", what(key)));
    }
}

fn changed<T: PartialEq + Display + ?Sized>(found: &mut Vec<String>, what: &str, part: &str, left: &T, right: &T) {
    if left != right {
        found.push(format!("{what} has {part} {right} instead of {left}"));
    }
}

/// Compares definitions, in the light of the default schema.
#[derive(Clone, Copy)]
struct Definitions<'a> {
    schema: &'a str,
}

impl Definitions<'_> {
    fn tables(self, found: &mut Vec<String>, name: &str, left: &Table, right: &Table) {
        // copies of a catalog share what nobody has changed
        if std::ptr::eq(left, right) {
            return;
        }
        let column = |column: &String| format!("column {name}.{column}");
        let constraint = |own: &String| format!("constraint {own} of {name}");
        let index = |own: &String| format!("index {own} of {name}");
        compare(found, &left.columns, &right.columns, column, |found, what, l, r| self.columns(found, what, l, r));
        compare(found, &left.constraints, &right.constraints, constraint, |found, what, left, right| {
            let valid = |constraint: &Constraint| if constraint.valid { "valid" } else { "not valid" };
            changed(found, what, "the definition", &self.constraint(&left.kind), &self.constraint(&right.kind));
            changed(found, what, "the state", valid(left), valid(right));
        });
        compare(found, &left.indexes, &right.indexes, index, |found, what, left, right| {
            changed(found, what, "the definition", &self.index(left), &self.index(right));
        });
    }

    fn columns(self, found: &mut Vec<String>, what: &str, left: &Column, right: &Column) {
        let null = |column: &Column| if column.not_null { "NOT NULL" } else { "NULL" };
        let identity = |column: &Column| if column.identity { "an identity" } else { "no identity" };
        let default = |column: &Column| self.expr(column.default.as_ref(), column);
        let generated = |column: &Column| self.expr(column.generated.as_ref(), column);
        changed(found, what, "the type", &left.data_type, &right.data_type);
        changed(found, what, "the nullability", null(left), null(right));
        changed(found, what, "as generator", identity(left), identity(right));
        changed(found, what, "the default", &default(left), &default(right));
        changed(found, what, "the generating expression", &generated(left), &generated(right));
    }

    fn expr(self, expr: Option<&Expr>, column: &Column) -> String {
        let spelled = |expr: &Expr| canonical(&expr.text, self.schema, Some(&column.data_type));
        expr.map_or_else(|| "none".to_owned(), spelled)
    }

    fn text(self, text: &str) -> String {
        canonical(text, self.schema, None)
    }

    fn constraint(self, kind: &ConstraintKind) -> String {
        match kind {
            ConstraintKind::PrimaryKey { columns, .. } => format!("PRIMARY KEY ({})", columns.join(", ")),
            ConstraintKind::Unique { columns, .. } => format!("UNIQUE ({})", columns.join(", ")),
            ConstraintKind::ForeignKey { columns, table, referenced, on_delete, on_update } => {
                let action = |action: &Option<String>| action.clone().unwrap_or_else(|| "NO ACTION".to_owned());
                let (columns, referenced) = (columns.join(", "), referenced.join(", "));
                let (delete, update) = (action(on_delete), action(on_update));
                format!(
                    "FOREIGN KEY ({columns}) REFERENCES {table} ({referenced}) ON DELETE {delete} ON UPDATE {update}"
                )
            }
            ConstraintKind::Check { expr } => format!("CHECK ({})", self.text(&expr.text)),
            ConstraintKind::Exclude { text } => self.text(text),
        }
    }

    fn index(self, index: &Index) -> String {
        let Index { unique, method, keys, include, predicate, nulls_not_distinct } = index;
        let key = |text: &str| {
            let text = self.text(text);
            text.strip_suffix(" asc").map_or(text.clone(), ToOwned::to_owned) // the default
        };
        let keys: Vec<String> = keys.iter().map(|own| key(&own.text)).collect();
        let unique = if *unique { "UNIQUE " } else { "" };
        let nulls = if *nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
        let predicate = predicate.as_ref().map(|own| format!(" WHERE {}", self.text(&own.text)));
        let include = if include.is_empty() { String::new() } else { format!(" INCLUDE ({})", include.join(", ")) };
        format!("{unique}{method} ({}){include}{nulls}{}", keys.join(", "), predicate.unwrap_or_default())
    }
}
