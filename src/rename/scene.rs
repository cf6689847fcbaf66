//! What every stage needs to know of a draft, worked out once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::Draft;
use super::candidate::Rename;
use super::names::{self, Identifier, Likeness};
use super::pool::{Counted, Pool};
use super::schema::{self, Field, Model, Schema};
use super::weights::{STANDARD, Weights};
use crate::catalog::{Catalog, Column, ObjectName, Table};
use crate::effects::cast::{Cast, Change};
use crate::effects::conversion::Enums;
use crate::sql::{ConstraintKind, DataType};

/// A draft with the catalog after it and the schema's two states.
pub(crate) struct Scene<'a> {
    pub(crate) draft: &'a Draft<'a>,
    pub(crate) weights: &'a Weights,
    pub(crate) before: &'a Catalog,
    pub(crate) after: Catalog,
    pub(crate) head: Schema,
    pub(crate) work: Schema,
    pub(crate) pool: Pool,
    /// Names taken apart before, and compared before: the same pairs are looked at again after every decision.
    spellings: RefCell<FxHashMap<String, Rc<Spelling>>>,
    likenesses: RefCell<FxHashMap<Names, Rc<Likeness>>>,
    /// How values of one type become those of another; many columns have the same types.
    casts: RefCell<FxHashMap<DataType, FxHashMap<DataType, Cast>>>,
    /// What Prisma counted in what is dropped.
    pub(crate) counted: Counted,
}

/// A name and its words.
pub(crate) struct Spelling {
    /// Counts the names of a scene: two that are compared are known by their numbers.
    number: usize,
    name: String,
    pub(crate) parts: Identifier,
}

impl Spelling {
    /// One name, one number.
    pub(crate) fn number(&self) -> usize {
        self.number
    }
}

/// Two names, each with the words of it that the context has said. Tables that are alike share these: a key with the context's
/// own names would keep every pair of columns of every pair of tables.
type Names = [(usize, u64); 2];

/// A table before and after: the same, or a renamed one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    pub(crate) from: ObjectName,
    pub(crate) to: ObjectName,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(draft: &'a Draft<'a>) -> Self {
        Self::weighed(draft, &STANDARD)
    }

    /// As [`Scene::new`], with other weights than the usual ones.
    pub(crate) fn weighed(draft: &'a Draft<'a>, weights: &'a Weights) -> Self {
        let mut after = draft.before.clone();
        after.apply(draft.script, draft.migration);
        let pool = Pool::read(draft, &after);
        Self {
            draft,
            weights,
            before: draft.before,
            after,
            head: Schema::read(&draft.hints.schema_before),
            work: Schema::read(&draft.hints.schema_after),
            pool,
            spellings: RefCell::default(),
            likenesses: RefCell::default(),
            casts: RefCell::default(),
            counted: Counted::read(&draft.hints.warnings),
        }
    }

    /// Compares two names; words of `context` count as said already.
    pub(crate) fn likeness(&self, from: &str, to: &str, context: &[&str]) -> Rc<Likeness> {
        let context: Vec<Rc<Spelling>> = context.iter().map(|name| self.spelling(name)).collect();
        let context: Vec<&Identifier> = context.iter().map(|spelling| &spelling.parts).collect();
        self.alike(&self.spelling(from), &self.spelling(to), &context)
    }

    /// As [`Scene::likeness`], of names that are taken apart already.
    pub(crate) fn alike(&self, from: &Spelling, to: &Spelling, context: &[&Identifier]) -> Rc<Likeness> {
        let compare = || Rc::new(names::likeness((&from.name, &from.parts), (&to.name, &to.parts), context));
        let (Some(old), Some(new)) = (names::said(&from.parts, context), names::said(&to.parts, context)) else {
            return compare();
        };
        let key = [(from.number, old), (to.number, new)];
        Rc::clone(self.likenesses.borrow_mut().entry(key).or_insert_with(compare))
    }

    /// A name taken apart.
    pub(crate) fn spelling(&self, name: &str) -> Rc<Spelling> {
        if let Some(known) = self.spellings.borrow().get(name) {
            return Rc::clone(known);
        }
        let mut spellings = self.spellings.borrow_mut();
        let made = Spelling { number: spellings.len(), name: name.to_owned(), parts: Identifier::new(name) };
        Rc::clone(spellings.entry(name.to_owned()).or_insert(Rc::new(made)))
    }

    /// How one name was made from the other.
    pub(crate) fn change(&self, from: &str, to: &str) -> Option<(String, String)> {
        names::change(&self.spelling(from).parts, &self.spelling(to).parts)
    }

    /// Tables the draft drops, and tables it creates.
    pub(crate) fn tables(&self) -> (Vec<&ObjectName>, Vec<&ObjectName>) {
        let gone =
            |name: &&ObjectName| !self.after.tables.contains_key(name) && self.pool.dropped_tables.contains(*name);
        let come =
            |name: &&ObjectName| !self.before.tables.contains_key(name) && self.pool.created_tables.contains(*name);
        (self.before.tables.keys().filter(gone).collect(), self.after.tables.keys().filter(come).collect())
    }

    /// Enums the draft drops, and enums it creates.
    pub(crate) fn enums(&self) -> (Vec<&ObjectName>, Vec<&ObjectName>) {
        let gone = |name: &&ObjectName| !self.after.enums.contains_key(name) && self.pool.dropped_types.contains(*name);
        let come =
            |name: &&ObjectName| !self.before.enums.contains_key(name) && self.pool.created_types.contains(*name);
        // an enum that the replayed migrations do not know (they start late) may be renamed all the same
        let unknown = self
            .pool
            .dropped_types
            .iter()
            .filter(|name| !self.before.enums.contains_key(name) && self.pool.strange_types.contains(*name));
        (self.before.enums.keys().filter(gone).chain(unknown).collect(), self.after.enums.keys().filter(come).collect())
    }

    /// Tables that stay under their name.
    pub(crate) fn kept_tables(&self) -> impl Iterator<Item = Pair> + '_ {
        let kept = self.before.tables.keys().filter(|name| self.after.tables.contains_key(name));
        kept.map(|name| Pair { from: name.clone(), to: name.clone() })
    }

    /// Columns dropped from and added to a table; those recreated with another type are in both.
    pub(crate) fn columns(&self, pair: &Pair) -> (Vec<String>, Vec<String>) {
        let (Some(old), Some(new)) = (self.before.tables.get(&pair.from), self.after.tables.get(&pair.to)) else {
            return (Vec::new(), Vec::new());
        };
        if pair.from == pair.to {
            let touched = |columns: &BTreeSet<(ObjectName, String)>, name: &String| {
                columns.contains(&(pair.from.clone(), name.clone()))
            };
            let again =
                |name: &String| touched(&self.pool.dropped_columns, name) && touched(&self.pool.added_columns, name);
            let gone = |name: &&String| {
                touched(&self.pool.dropped_columns, name) && (!new.columns.contains_key(*name) || again(name))
            };
            let come = |name: &&String| {
                touched(&self.pool.added_columns, name) && (!old.columns.contains_key(*name) || again(name))
            };
            return (
                old.columns.keys().filter(gone).cloned().collect(),
                new.columns.keys().filter(come).cloned().collect(),
            );
        }
        // a renamed table keeps what has the same name, unless its values cannot become the new type
        let lost = |name: &String| match (old.columns.get(name), new.columns.get(name)) {
            (Some(a), Some(b)) => {
                matches!(self.cast(&a.data_type, &b.data_type), Cast::None | Cast::Loses { .. }) && !self.is_enum(a)
            }
            _ => true,
        };
        (
            old.columns.keys().filter(|name| lost(name)).cloned().collect(),
            new.columns.keys().filter(|name| lost(name)).cloned().collect(),
        )
    }

    /// Whether a column before and one after have the same type.
    pub(crate) fn same_type(&self, pair: &Pair, from: &str, to: &str) -> bool {
        let old = self.before.tables.get(&pair.from).and_then(|table| table.columns.get(from));
        let new = self.after.tables.get(&pair.to).and_then(|table| table.columns.get(to));
        old.map(|column| &column.data_type) == new.map(|column| &column.data_type)
    }

    /// A type after the enums taken to be renamed.
    pub(crate) fn renamed_type(&self, enums: &BTreeMap<ObjectName, ObjectName>, of: &DataType) -> DataType {
        match enums.get(&self.before.type_name(of)) {
            Some(to) => {
                let short = self.before.short(to);
                DataType { schema: short.schema, name: short.name, ..of.clone() }
            }
            None => of.clone(),
        }
    }

    /// How the values of one type can become those of another.
    pub(crate) fn cast(&self, from: &DataType, to: &DataType) -> Cast {
        if from == to {
            return Cast::Same;
        }
        if let Some(known) = self.casts.borrow().get(from).and_then(|casts| casts.get(to)) {
            return known.clone();
        }
        let cast = self.cast_from(self.before, from, to, "c");
        self.casts.borrow_mut().entry(from.clone()).or_default().insert(to.clone(), cast.clone());
        cast
    }

    /// As [`Scene::cast`], from a catalog in which some things are renamed already. `column` is the name that the column has when it is
    /// cast.
    pub(crate) fn cast_from(&self, before: &Catalog, from: &DataType, to: &DataType, column: &str) -> Cast {
        let enums = Enums { before, after: &self.after };
        let relabelled = self.relabelled(from, to);
        Change { relabelled: &relabelled, ..Change::new(enums, from, to) }.cast(column)
    }

    /// As [`Scene::relabelled_in`], of the types of two columns.
    pub(crate) fn relabelled(&self, from: &DataType, to: &DataType) -> Vec<(String, String)> {
        self.relabelled_in(&self.before.type_name(from), &self.after.type_name(to))
    }

    /// Labels of an enum that another enum has under other names: the same values in Prisma, under another `@map`.
    pub(crate) fn relabelled_in(&self, old: &ObjectName, new: &ObjectName) -> Vec<(String, String)> {
        fn named<'s>(schema: &'s Schema, name: &ObjectName) -> Option<&'s schema::Enum> {
            schema.enums.iter().find(|of| of.database == name.name)
        }
        let (Some(old), Some(new)) = (named(&self.head, old), named(&self.work, new)) else { return Vec::new() };
        let now = |value: &String| new.values.iter().find(|(own, _)| own == value).map(|(_, label)| label.clone());
        let labels = old.values.iter().filter_map(|(value, label)| Some((label.clone(), now(value)?)));
        labels.filter(|(label, now)| label != now).collect()
    }

    /// Whether it is Prisma's own table of an implicit relation, or a column of it: no `@map` reaches that.
    pub(crate) fn becomes_implicit(&self, tables: &BTreeMap<ObjectName, ObjectName>, rename: &Rename) -> bool {
        let table = match rename {
            Rename::Table { to, .. } => to,
            Rename::Column { table, .. } => tables.get(table).unwrap_or(table),
            Rename::Enum { .. } | Rename::EnumValue { .. } => return false,
        };
        table.name.starts_with('_')
            && super::tables::is_join(self.after.tables.get(table))
            && self.work.model_of_table(&table.schema, &table.name).is_none()
    }

    fn is_enum(&self, column: &Column) -> bool {
        self.before.enum_values(&column.data_type).is_some()
    }

    /// The models behind a table before and after.
    pub(crate) fn models(&self, pair: &Pair) -> (Option<&Model>, Option<&Model>) {
        (
            self.head.model_of_table(&pair.from.schema, &pair.from.name),
            self.work.model_of_table(&pair.to.schema, &pair.to.name),
        )
    }

    /// The fields behind two columns.
    pub(crate) fn fields(&self, pair: &Pair, from: &str, to: &str) -> (Option<&Field>, Option<&Field>) {
        let (old, new) = self.models(pair);
        (old.and_then(|model| model.field_of_column(from)), new.and_then(|model| model.field_of_column(to)))
    }
}

/// The table that a column alone references, as the catalog resolves it.
pub(crate) fn target(catalog: &Catalog, table: &Table, column: &str) -> Option<ObjectName> {
    table.constraints.values().find_map(|constraint| match &constraint.kind {
        ConstraintKind::ForeignKey { columns, table, .. } if columns.iter().any(|name| name == column) => {
            Some(catalog.resolve(table))
        }
        _ => None,
    })
}

/// In how many indexes and keys a column stands: primary key, unique, plain.
pub(crate) fn memberships(table: &Table, column: &str) -> [usize; 3] {
    let mut counts = [0; 3];
    for constraint in table.constraints.values() {
        match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } if columns.iter().any(|name| name == column) => counts[0] += 1,
            ConstraintKind::Unique { columns, .. } if columns.iter().any(|name| name == column) => counts[1] += 1,
            _ => {}
        }
    }
    for index in
        table.indexes.values().filter(|index| index.keys.iter().any(|key| key.column.as_deref() == Some(column)))
    {
        counts[if index.unique { 1 } else { 2 }] += 1;
    }
    counts
}
