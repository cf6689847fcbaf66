//! What was read from a server as a [`Catalog`]: each table's definitions are written as the DDL that makes them, and
//! replayed, so that a table is the same value whether the target or the migrations tell of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Definition, Kind, Live};
use crate::catalog::known::Coverage;
use crate::catalog::{Catalog, Certainty, Inheritance, ObjectName, Partition};
use crate::sql::Script;
use crate::sql::expression::{Piece, pieces};

/// A table's definitions, by the name that SQL writes.
#[derive(Default)]
struct Parts<'a> {
    columns: Vec<(&'a str, &'a Definition)>,
    constraints: Vec<(&'a str, &'a Definition)>,
}

impl Catalog {
    /// The catalog of a database that was read: what is not in it is absent.
    pub fn of_target(default_schema: &str, live: &Live) -> Self {
        let mut catalog = Self::new(default_schema);
        catalog.sight.coverage = Coverage::Target;
        catalog.sight.own_path.clone_from(&live.beside.path);
        catalog.sight.unread = live.beside.unread.iter().filter_map(|name| object(name)).collect();
        catalog.schemas.extend(live.of(Kind::Schema).filter_map(|(name, _)| split(name).pop()));
        for (name, definition) in live.of(Kind::Enum) {
            let values = definition.get("values").map_or("", String::as_str);
            let read = catalog.define(&[format!("CREATE TYPE {name} AS ENUM ({values});")]);
            catalog.unread(name, read);
        }
        for (name, definition) in live.of(Kind::Domain).chain(live.of(Kind::Type)) {
            let read = catalog.define(&type_text(name, definition).into_iter().collect::<Vec<_>>());
            catalog.unread(name, read);
        }
        for kind in [Kind::View, Kind::MaterializedView] {
            catalog.views.extend(live.of(kind).filter_map(|(name, _)| object(name)));
        }
        for (name, definition) in live.of(Kind::Sequence) {
            let owner = definition.get("owner").and_then(|owner| column(owner));
            catalog.sequences.extend(object(name).map(|name| (name, owner)));
        }
        let parts = parts(live);
        for (name, definition) in live.of(Kind::Table) {
            catalog.table_of_target(name, parts.get(name).unwrap_or(&Parts::default()));
            if let Some(table) = object(name).and_then(|name| catalog.tables.get_mut(&name)) {
                if definition.contains_key("partition bound") || definition.contains_key("partition key") {
                    table.partition = partition(definition);
                } else {
                    table.inheritance = inheritance(name, definition, live);
                    catalog.sight.inherits |= !table.inheritance.from.is_empty();
                }
            }
        }
        catalog.indexes_of_target(live);
        catalog.code_of_target(live);
        catalog
    }

    /// Functions, triggers and rules; a disabled one does nothing.
    fn code_of_target(&mut self, live: &Live) {
        let code = &mut self.sight.code;
        live.beside.harmless.iter().for_each(|name| code.trust(name));
        for (signature, definition) in live.of(Kind::Function) {
            let written = signature.split_once('(').map_or(signature, |(name, _)| name);
            let Some((name, text)) = object(written).zip(definition.get("definition")) else { continue };
            match text.strip_prefix("aggregate of ") {
                // `… over public.sum_up, from 0, final -`
                Some(aggregate) => {
                    let parts = aggregate.rsplit(" over ").next().unwrap_or_default().split([' ', ',']);
                    code.aggregate(&name.name, parts.filter_map(|part| split(part).pop()));
                }
                None => code.define(&name.name, text),
            }
        }
        let enabled = |definition: &Definition| definition.get("state").is_none_or(|state| state != "disabled");
        for (name, definition) in live.of(Kind::Trigger).filter(|(_, definition)| enabled(definition)) {
            let own = table(name).and_then(object).zip(split(name).pop());
            if let (Some((table, own)), Some(text)) = (own, definition.get("definition")) {
                code.trigger(table, &own, text);
            }
        }
        for (name, _) in live.of(Kind::Rule).filter(|(_, definition)| enabled(definition)) {
            if let Some((table, own)) = table(name).and_then(object).zip(split(name).pop()) {
                code.rule(table, &own);
            }
        }
        for (name, definition) in live.of(Kind::View).chain(live.of(Kind::MaterializedView)) {
            if let (Some(view), Some(text)) = (object(name), definition.get("definition")) {
                code.view(view, text);
            }
        }
        for (name, definition) in live.of(Kind::Policy) {
            let conditions = ["condition", "check"].iter().filter_map(|part| definition.get(*part));
            if let Some((table, own)) = table(name).and_then(object).zip(split(name).pop()) {
                conditions.for_each(|text| code.policy(table.clone(), &own, text));
            }
        }
        live.beside.operators.iter().for_each(|statement| code.operator_or_cast(statement));
    }

    fn table_of_target(&mut self, name: &str, parts: &Parts<'_>) {
        let Some(table) = object(name) else { return };
        let mut statements = vec![format!("CREATE TABLE {name} ();")];
        let word = |part: &str| part[name.len() + 1..].to_owned();
        statements.extend(parts.columns.iter().map(|(column, definition)| {
            format!("ALTER TABLE {name} ADD COLUMN {} {};", word(column), column_text(definition))
        }));
        statements.extend(parts.constraints.iter().map(|(constraint, definition)| {
            let text = definition.get("definition").map_or("", String::as_str);
            format!("ALTER TABLE {name} ADD CONSTRAINT {} {text};", word(constraint))
        }));
        let whole = self.define(&statements);
        let Some(value) = self.tables.get_mut(&table) else { return };
        if !whole {
            value.certainty = Certainty::Partial;
        }
        // its sequence is there already, under whatever name
        for (name, definition) in &parts.columns {
            let own = split(name).pop().and_then(|own| value.columns.get_mut(&own));
            if let (Some(own), Some(_)) = (own, definition.get("identity")) {
                own.identity = true;
            }
        }
    }

    /// Those behind constraints are the constraints'.
    fn indexes_of_target(&mut self, live: &Live) {
        self.learn_owners();
        for (name, definition) in live.of(Kind::Index) {
            let (Some(index), Some(text)) = (object(name), definition.get("definition")) else { continue };
            if self.table_of_index(&index).is_none() {
                // an index on the partitioned table alone is one on the table
                let read = self.define(&[format!("{};", text.replacen(" ON ONLY ", " ON ", 1))]);
                self.unread(name, read && self.table_of_index(&index).is_some());
            }
        }
    }

    /// What was not read is there all the same: it is not known, and not absent.
    fn unread(&mut self, name: &str, read: bool) {
        self.sight.unread.extend(object(name).filter(|_| !read));
    }

    /// Replays what defines one object; false where a part of it could not be read, and the rest is there.
    fn define(&mut self, statements: &[String]) -> bool {
        let script = Script::parse(statements.concat());
        if script.errors().is_empty() {
            self.apply(&script, "");
            return true;
        }
        for statement in statements {
            let script = Script::parse(statement.as_str());
            if script.errors().is_empty() {
                self.apply(&script, "");
            }
        }
        false
    }
}

/// What makes a domain or a composite type; none for a range.
fn type_text(name: &str, definition: &Definition) -> Option<String> {
    let part = |name: &str| definition.get(name).map(String::as_str);
    let Some(base) = part("type") else {
        let attributes = part("definition").filter(|text| !text.starts_with("range of"))?;
        return Some(format!("CREATE TYPE {name} AS ({attributes});"));
    };
    let null = part("nullability").filter(|null| *null == "NOT NULL").unwrap_or_default();
    Some(format!("CREATE DOMAIN {name} AS {base} {null} {};", part("constraints").unwrap_or_default()))
}

/// A partition has one parent.
fn partition(definition: &Definition) -> Partition {
    let part = |name: &str| definition.get(name);
    let of = part("parents").and_then(|parent| object(parent)).zip(part("partition bound").cloned());
    Partition { key: part("partition key").cloned(), of }
}

/// What a table has from those that it inherits from.
fn inheritance(name: &str, definition: &Definition, live: &Live) -> Inheritance {
    let from = definition.get("parents").into_iter().flat_map(|parents| parents.split(", ")).filter_map(object);
    let columns = live.beside.inherited.iter().filter(|column| table(column) == Some(name));
    Inheritance { from: from.collect(), columns: columns.filter_map(|column| split(column).pop()).collect() }
}

/// What follows a column's name in its definition, but for what counts it.
fn column_text(definition: &Definition) -> String {
    let part = |name: &str| definition.get(name).map(String::as_str);
    let mut text = part("type").unwrap_or_default().to_owned();
    if let Some(expression) = part("generating expression") {
        text.extend([" GENERATED ALWAYS AS (", expression, ") STORED"]);
    }
    if let Some(default) = part("default") {
        text.extend([" DEFAULT ", default]);
    }
    if part("nullability").is_some_and(|null| null.starts_with("NOT NULL")) {
        text.push_str(" NOT NULL");
    }
    text
}

/// Columns in their order and constraints, by table.
fn parts(live: &Live) -> BTreeMap<&str, Parts<'_>> {
    let mut parts: BTreeMap<&str, Parts<'_>> = BTreeMap::new();
    let columns: BTreeMap<&str, &Definition> = live.of(Kind::Column).collect();
    let ordered: BTreeSet<&str> = live.beside.columns.iter().map(String::as_str).collect();
    let in_order = live.beside.columns.iter().map(String::as_str);
    for name in in_order.chain(columns.keys().copied().filter(|name| !ordered.contains(name))) {
        if let (Some(table), Some((name, definition))) = (table(name), columns.get_key_value(name)) {
            parts.entry(table).or_default().columns.push((name, definition));
        }
    }
    for (name, definition) in live.of(Kind::Constraint) {
        if let Some(table) = table(name) {
            parts.entry(table).or_default().constraints.push((name, definition));
        }
    }
    parts
}

/// The table before the last part of a name.
fn table(name: &str) -> Option<&str> {
    let last = pieces(name).pop()?.text().len();
    name.get(..name.len().checked_sub(last + 1)?)
}

/// The parts of a name as SQL writes it.
pub(super) fn split(name: &str) -> Vec<String> {
    pieces(name).into_iter().filter_map(Piece::name).collect()
}

pub(super) fn object(name: &str) -> Option<ObjectName> {
    let [schema, name] = split(name).try_into().ok()?;
    Some(ObjectName { schema, name })
}

fn column(name: &str) -> Option<(ObjectName, String)> {
    let [schema, name, column] = split(name).try_into().ok()?;
    Some((ObjectName { schema, name }, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_unknown_and_not_absent() {
        let mut live = Live::default();
        let mut add = |kind: Kind, name: &str, parts: &[(&str, &str)]| {
            let definition = parts.iter().map(|(part, text)| ((*part).to_owned(), (*text).to_owned())).collect();
            live.objects.entry(kind).or_default().insert(name.to_owned(), definition);
        };
        add(Kind::Table, "public.t", &[]);
        add(Kind::Column, "public.t.a", &[("type", "integer"), ("nullability", "NULL")]);
        add(Kind::Index, "public.good", &[("definition", "CREATE UNIQUE INDEX good ON public.t USING btree (a)")]);
        add(Kind::Index, "public.strange", &[("definition", "CREATE UNIQUE INDEX strange ON public.t USING ((a %% ")]);
        add(Kind::Enum, "public.odd", &[("values", "'a', ((")]);
        let catalog = Catalog::of_target("public", &live);
        let name = |name: &str| ObjectName { schema: "public".into(), name: name.into() };
        assert!(catalog.index_owner(&name("good")).there().is_some());
        assert!(catalog.index_owner(&name("none")).is_absent());
        assert!(catalog.index_owner(&name("strange")).is_unknown());
        assert!(catalog.enumeration(&name("odd")).is_unknown());
    }
}
