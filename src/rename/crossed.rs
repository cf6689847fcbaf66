//! Names of Prisma's that stand for what another one stood for before: `@map` names that change places, of fields, models and
//! enum values. The database stays, so Prisma drafts nothing, and each shows the other's values.

use std::collections::{BTreeMap, BTreeSet};

use super::schema::{Enum, Field, Model, Schema};
use crate::catalog::{Catalog, ObjectName};
use crate::project::Migration;
use crate::sql::{Action, ActionKind, StatementKind};

/// What changes places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Fields of a model, and their columns.
    Fields,
    /// Models, and their tables.
    Models,
    /// Values of an enum, and their labels.
    Values,
}

/// Names of Prisma's in one place that stand for each other's things of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossed {
    pub what: What,
    /// The table or type, by its name after the migrations; of models the first one's table.
    pub object: ObjectName,
    /// The model or enum; of models the first one.
    pub owner: String,
    /// Those that stand for another thing than before.
    pub members: Vec<Moved>,
}

/// A name of Prisma's, the column, table or label that has its values, and the one that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub name: String,
    /// By its name after the migrations.
    pub values: String,
    pub reads: String,
}

impl Crossed {
    /// None where nothing is crossed.
    fn of(what: What, object: ObjectName, owner: &str, members: Vec<Moved>) -> Option<Self> {
        (!members.is_empty()).then(|| Self { what, object, owner: owner.to_owned(), members })
    }

    /// Whether they have exchanged their things among themselves: renames give each its own values back. Where they have not,
    /// names of Prisma's have changed too, and which is which cannot be told.
    pub fn exchanged(&self) -> bool {
        let reads = |own: &String| self.members.iter().any(|moved| moved.reads == *own);
        self.members.iter().all(|moved| reads(&moved.values))
    }
}

/// Whether anything is crossed if no migration moves anything: asked first, since it needs no file.
pub fn suspected(was: &Schema, now: &Schema) -> bool {
    let fields = was.models.iter().any(|model| {
        let same = |other: &&Model| other.table == model.table || other.name == model.name;
        now.models.iter().filter(same).any(|other| scalars(model).any(|field| moved(model, other, field)))
    });
    let tables = |model: &Model| now.models.iter().any(|own| own.name == model.name && place(own) != place(model));
    let labels = |own: &Enum| present(own, now).is_some_and(|is| is.values != own.values);
    fields || was.models.iter().any(tables) || was.enums.iter().any(labels)
}

/// What `now` reads in another one's place, once these migrations have run on what `was` stood for.
pub fn crossed(default_schema: &str, migrations: &[&Migration], was: &Schema, now: &Schema) -> Vec<Crossed> {
    let names = Catalog::new(default_schema);
    let within = |schema: &Option<String>, name: &str| {
        let schema = schema.as_deref().unwrap_or(default_schema).to_owned();
        ObjectName { schema, name: name.to_owned() }
    };
    let named = |model: &Model| within(&model.schema, &model.table);
    let flows = was.models.iter().map(|model| {
        let own = scalars(model).map(|field| field.column.clone());
        (model, Flow::new(named(model), own).follow(&names, migrations))
    });
    let models: Vec<(&Model, Flow)> = flows.filter_map(|(model, flow)| Some((model, flow?))).collect();
    let mut found: Vec<Crossed> = models
        .iter()
        .filter_map(|(model, flow)| fields(model, flow, now.model_of_table(&flow.object.schema, &flow.object.name)?))
        .collect();
    found.extend(tables(&models, &named, now));
    found.extend(was.enums.iter().filter_map(|own| {
        let labels = own.values.iter().map(|(_, label)| label.clone());
        values(
            own,
            &Flow::new(within(&own.schema, &own.database), labels).follow(&names, migrations)?,
            present(own, now)?,
        )
    }));
    found
}

/// Fields that read another field's column.
fn fields(model: &Model, flow: &Flow, present: &Model) -> Option<Crossed> {
    let members = scalars(model).filter_map(|field| {
        let is = present.field(&field.name).filter(|is| !is.relation)?;
        flow.moved(&field.name, &field.column, &is.column)
    });
    Crossed::of(What::Fields, flow.object.clone(), &present.name, members.collect())
}

/// Models that have exchanged their tables, all with the same columns: where those differ, Prisma drafts the change, or the
/// fields show that the models have got other names.
fn tables(models: &[(&Model, Flow)], named: &dyn Fn(&Model) -> ObjectName, now: &Schema) -> Option<Crossed> {
    let columns = |model: &Model| scalars(model).map(|field| field.column.clone()).collect::<BTreeSet<_>>();
    let members: Vec<(&Flow, Moved)> = models
        .iter()
        .filter_map(|(model, flow)| {
            let is = now.models.iter().find(|is| is.name == model.name)?;
            let reads = named(is);
            let (other, _) = models.iter().find(|(other, own)| own.object == reads && other.name != model.name)?;
            let alike = columns(is) == columns(model) && columns(model) == columns(other);
            let label = |own: &ObjectName| own.name.clone();
            let moved = Moved { name: model.name.clone(), values: label(&flow.object), reads: label(&reads) };
            (alike && flow.object != reads).then_some((flow, moved))
        })
        .collect();
    let (first, _) = members.first()?;
    let (object, owner) = (first.object.clone(), members[0].1.name.clone());
    let members = members.into_iter().map(|(_, moved)| moved).collect();
    Crossed::of(What::Models, object, &owner, members).filter(Crossed::exchanged)
}

/// Values of an enum that read another one's label.
fn values(was: &Enum, flow: &Flow, present: &Enum) -> Option<Crossed> {
    let members = was.values.iter().filter_map(|(name, label)| {
        let (_, reads) = present.values.iter().find(|(is, _)| is == name)?;
        flow.moved(name, label, reads)
    });
    Crossed::of(What::Values, flow.object.clone(), &present.name, members.collect())
}

/// The enum of the same name, or of the same type.
fn present<'s>(own: &Enum, now: &'s Schema) -> Option<&'s Enum> {
    let by = |same: &dyn Fn(&Enum) -> bool| now.enums.iter().find(|is| same(is));
    by(&|is| is.name == own.name).or_else(|| by(&|is| is.database == own.database))
}

fn place(model: &Model) -> (Option<&String>, &String) {
    (model.schema.as_ref(), &model.table)
}

fn scalars(model: &Model) -> impl Iterator<Item = &Field> {
    model.fields.iter().filter(|field| !field.relation)
}

/// Whether the field of the same name, in another state of the model, stands for a column that another field stood for.
fn moved(was: &Model, now: &Model, field: &Field) -> bool {
    let is = now.field(&field.name).filter(|is| !is.relation && is.column != field.column);
    is.is_some_and(|is| was.field_of_column(&is.column).is_some())
}

/// Where a table and its columns go, or a type and its labels.
struct Flow {
    object: ObjectName,
    /// The names of what it holds before, with those after; those that are dropped are not here.
    inner: BTreeMap<String, String>,
}

impl Flow {
    fn new(object: ObjectName, inner: impl Iterator<Item = String>) -> Self {
        Self { object, inner: inner.map(|own| (own.clone(), own)).collect() }
    }

    /// None where it is dropped.
    fn follow(mut self, names: &Catalog, migrations: &[&Migration]) -> Option<Self> {
        for statement in migrations.iter().flat_map(|migration| migration.script().statements()) {
            let is = |name| names.resolve(name) == self.object;
            match &statement.kind {
                StatementKind::AlterTable { table, actions, .. } if is(table) => {
                    actions.iter().for_each(|action| self.alter(action));
                }
                StatementKind::DropTable { tables: dropped, .. } | StatementKind::DropType { names: dropped, .. }
                    if dropped.iter().any(is) =>
                {
                    return None;
                }
                StatementKind::RenameEnumValue { name, from, to } if is(name) => self.rename(from, to),
                StatementKind::RenameType { name, to } if is(name) => to.clone_into(&mut self.object.name),
                StatementKind::SetTypeSchema { name, schema } if is(name) => schema.clone_into(&mut self.object.schema),
                _ => {}
            }
        }
        Some(self)
    }

    fn alter(&mut self, action: &Action) {
        match &action.kind {
            ActionKind::RenameColumn { from, to } => self.rename(from, to),
            ActionKind::DropColumn { name, .. } => self.inner.retain(|_, own| own != name),
            kind => {
                if let Some(to) = kind.moved(&self.object) {
                    self.object = to;
                }
            }
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        self.inner.values_mut().filter(|own| *own == from).for_each(|own| to.clone_into(own));
    }

    /// A name that stood for `was` and stands for `reads`, if that is another one's.
    fn moved(&self, name: &str, was: &str, reads: &str) -> Option<Moved> {
        // one that is dropped is asked about with its values
        let values = self.inner.get(was)?;
        let of_another = self.inner.iter().any(|(other, is_now)| is_now == reads && other != was);
        let moved = || Moved { name: name.to_owned(), values: values.clone(), reads: reads.to_owned() };
        (values != reads && of_another).then(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(fields: &[(&str, &str)]) -> Schema {
        let fields: Vec<String> =
            fields.iter().map(|(field, column)| format!("  {field} String @map(\"{column}\")\n")).collect();
        Schema::read(&[format!("model Doc {{\n  id Int @id\n{}  @@map(\"docs\")\n}}\n", fields.concat())])
    }

    /// The crossed fields, as `field: reads instead of values`, and whether they are exchanged.
    fn found(was: &[(&str, &str)], now: &[(&str, &str)], sql: &str) -> Vec<(String, bool)> {
        let (was, now) = (schema(was), schema(now));
        let migration = Migration { name: "m".into(), path: "/nowhere/m/migration.sql".into(), sql: sql.into() };
        let found = crossed("public", &[&migration], &was, &now);
        assert!(found.is_empty() || suspected(&was, &now) || !sql.is_empty(), "{found:?}");
        let all = found.iter().flat_map(|own| own.members.iter().map(|moved| (moved, own.exchanged())));
        all.map(|(Moved { name, values, reads }, whole)| (format!("{name}: {reads} instead of {values}"), whole))
            .collect()
    }

    const SWAP: &str = "ALTER TABLE docs RENAME COLUMN x TO t; ALTER TABLE docs RENAME COLUMN y TO x; ALTER TABLE docs RENAME COLUMN t TO y;";

    #[test]
    fn fields_that_exchange_their_columns_are_found_unless_the_columns_follow() {
        let (was, now) = ([("a", "x"), ("b", "y")], [("a", "y"), ("b", "x")]);
        let both = [("a: y instead of x".to_owned(), true), ("b: x instead of y".to_owned(), true)];
        assert_eq!(found(&was, &now, ""), both);
        assert_eq!(found(&was, &now, SWAP), []);
        // the columns alone
        assert_eq!(found(&was, &was, SWAP).len(), 2);
        // three in a circle, under another table name
        let circle = found(
            &[("a", "x"), ("b", "y"), ("c", "z")],
            &[("a", "y"), ("b", "z"), ("c", "x")],
            "ALTER TABLE docs ADD COLUMN other TEXT;",
        );
        assert_eq!((circle.len(), circle[0].1), (3, true));
        // one of them has another name as well
        let half = found(&was, &[("b", "x"), ("c", "y")], "");
        assert_eq!(half, [("b: x instead of y".to_owned(), false)]);
    }

    #[test]
    fn what_keeps_its_values_or_loses_them_by_a_drop_is_none() {
        let was = [("a", "x"), ("b", "y")];
        assert_eq!(found(&was, &was, ""), []);
        assert_eq!(found(&was, &[("a", "x"), ("c", "y")], ""), []);
        assert_eq!(found(&was, &[("a", "y")], "ALTER TABLE docs DROP COLUMN x;"), []);
        assert_eq!(found(&was, &[("a", "x"), ("b", "z")], "ALTER TABLE docs RENAME COLUMN y TO z;"), []);
        assert_eq!(found(&was, &[("a", "y"), ("b", "x")], "DROP TABLE docs;"), []);
        assert!(!suspected(&schema(&was), &schema(&[("a", "x"), ("c", "y")])));
    }

    /// What is crossed from one text to another, as `name: reads instead of values`.
    fn of_texts(was: &str, now: &str, sql: &str) -> Vec<String> {
        let [was, now] = [was, now].map(|text| Schema::read(&[text.to_owned()]));
        let migration = Migration { name: "m".into(), path: "/nowhere/m/migration.sql".into(), sql: sql.into() };
        let found = crossed("public", &[&migration], &was, &now);
        assert!(found.is_empty() || suspected(&was, &now), "{found:?}");
        let all = found.iter().flat_map(|own| &own.members);
        all.map(|Moved { name, values, reads }| format!("{name}: {reads} instead of {values}")).collect()
    }

    #[test]
    fn values_of_an_enum_that_exchange_their_labels_are_found() {
        let mood = |calm: &str, wild: &str| {
            format!(
                "enum Mood {{\n  CALM @map(\"{calm}\")\n  WILD @map(\"{wild}\")\n  @@map(\"mood\")\n  @@schema(\"base\")\n}}\n"
            )
        };
        let (was, now) = (mood("calm", "wild"), mood("wild", "calm"));
        assert_eq!(of_texts(&was, &now, ""), ["CALM: wild instead of calm", "WILD: calm instead of wild"]);
        let follows = "ALTER TYPE base.mood RENAME VALUE 'calm' TO 't'; ALTER TYPE base.mood RENAME VALUE 'wild' TO 'calm'; \
                       ALTER TYPE base.mood RENAME VALUE 't' TO 'wild';";
        assert_eq!(of_texts(&was, &now, follows), [""; 0]);
        // a label that is new has nobody's values
        assert_eq!(of_texts(&was, &mood("calm", "mad"), ""), [""; 0]);
        assert_eq!(of_texts(&was, &now, "DROP TYPE base.mood;"), [""; 0]);
    }

    #[test]
    fn models_that_exchange_their_tables_are_found_unless_their_fields_go_along() {
        let models = |draft: (&str, &str), sent: (&str, &str)| {
            let model = |name: &str, (table, field): (&str, &str)| {
                format!("model {name} {{\n  id Int @id\n  {field} String\n  @@map(\"{table}\")\n}}\n")
            };
            model("Draft", draft) + &model("Sent", sent)
        };
        let was = models(("drafts", "text"), ("sents", "text"));
        let now = models(("sents", "text"), ("drafts", "text"));
        assert_eq!(of_texts(&was, &now, ""), ["Draft: sents instead of drafts", "Sent: drafts instead of sents"]);
        let follows =
            "ALTER TABLE drafts RENAME TO t; ALTER TABLE sents RENAME TO drafts; ALTER TABLE t RENAME TO sents;";
        assert_eq!(of_texts(&was, &now, follows), [""; 0]);
        // the models alone have exchanged their names
        let (was, now) = (models(("drafts", "a"), ("sents", "b")), models(("sents", "b"), ("drafts", "a")));
        assert_eq!(of_texts(&was, &now, ""), [""; 0]);
        // Prisma drafts the change of the columns
        assert_eq!(of_texts(&was, &models(("sents", "a"), ("drafts", "b")), ""), [""; 0]);
    }
}
