//! Fields that read a column which another field read before: `@map` names that change places. The columns stay, so Prisma drafts
//! nothing, and each field shows the other's values.

use std::collections::BTreeMap;

use super::schema::{Field, Model, Schema};
use crate::catalog::{Catalog, ObjectName};
use crate::project::Migration;
use crate::sql::{Action, ActionKind, StatementKind};

/// A model whose fields read each other's columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossed {
    /// By its name after the migrations.
    pub table: ObjectName,
    pub model: String,
    /// Fields that read another column than before.
    pub fields: Vec<Moved>,
}

/// A field, the column that has its values, and the one that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub field: String,
    /// By its name after the migrations.
    pub values: String,
    pub reads: String,
}

impl Crossed {
    /// Whether the fields have exchanged their columns among themselves: renames give each its own values back. Where they have not,
    /// fields were renamed too, and which is which cannot be told.
    pub fn exchanged(&self) -> bool {
        let reads = |column: &String| self.fields.iter().any(|field| field.reads == *column);
        self.fields.iter().all(|field| reads(&field.values))
    }
}

/// Whether fields read each other's columns if no migration moves any: asked first, since it needs no file.
pub fn suspected(was: &Schema, now: &Schema) -> bool {
    was.models.iter().any(|model| {
        let same = |other: &&Model| other.table == model.table || other.name == model.name;
        now.models.iter().filter(same).any(|other| scalars(model).any(|field| moved(model, other, field)))
    })
}

/// The models of `was` whose fields read each other's columns by `now`, once these migrations have run.
pub fn crossed(default_schema: &str, migrations: &[&Migration], was: &Schema, now: &Schema) -> Vec<Crossed> {
    let names = Catalog::new(default_schema);
    let of = |model: &Model| {
        let columns = scalars(model).map(|field| (field.column.clone(), field.column.clone())).collect();
        let schema = model.schema.clone().unwrap_or_else(|| default_schema.to_owned());
        let table = ObjectName { schema, name: model.table.clone() };
        let Flow { table, columns } = Flow { table, columns }.follow(&names, migrations)?;
        let present = now.model_of_table(&table.schema, &table.name)?;
        let fields = scalars(model).filter_map(|field| {
            let is = present.field(&field.name).filter(|is| !is.relation)?;
            // one whose column is dropped is asked about with its values
            let values = columns.get(&field.column)?;
            let of_another = columns.iter().any(|(was, is_now)| *is_now == is.column && *was != field.column);
            let reads = (*values != is.column && of_another).then(|| is.column.clone())?;
            Some(Moved { field: field.name.clone(), values: values.clone(), reads })
        });
        let fields: Vec<Moved> = fields.collect();
        (!fields.is_empty()).then(|| Crossed { table, model: present.name.clone(), fields })
    };
    was.models.iter().filter_map(of).collect()
}

fn scalars(model: &Model) -> impl Iterator<Item = &Field> {
    model.fields.iter().filter(|field| !field.relation)
}

/// Whether the field of the same name, in another state of the model, stands for a column that another field stood for.
fn moved(was: &Model, now: &Model, field: &Field) -> bool {
    let is = now.field(&field.name).filter(|is| !is.relation && is.column != field.column);
    is.is_some_and(|is| was.field_of_column(&is.column).is_some())
}

/// Where a table and its columns go.
struct Flow {
    table: ObjectName,
    /// The columns' names before, with those after; those that are dropped are not here.
    columns: BTreeMap<String, String>,
}

impl Flow {
    /// None where the table is dropped.
    fn follow(mut self, names: &Catalog, migrations: &[&Migration]) -> Option<Self> {
        for statement in migrations.iter().flat_map(|migration| migration.script().statements()) {
            match &statement.kind {
                StatementKind::AlterTable { table, actions, .. } if names.resolve(table) == self.table => {
                    actions.iter().for_each(|action| self.alter(action));
                }
                StatementKind::DropTable { tables, .. }
                    if tables.iter().any(|own| names.resolve(own) == self.table) =>
                {
                    return None;
                }
                _ => {}
            }
        }
        Some(self)
    }

    fn alter(&mut self, action: &Action) {
        match &action.kind {
            ActionKind::RenameTable { to } => to.clone_into(&mut self.table.name),
            ActionKind::SetSchema { schema } => schema.clone_into(&mut self.table.schema),
            ActionKind::RenameColumn { from, to } => {
                self.columns.values_mut().filter(|own| *own == from).for_each(|own| to.clone_into(own));
            }
            ActionKind::DropColumn { name, .. } => self.columns.retain(|_, own| own != name),
            _ => {}
        }
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
        let all = found.iter().flat_map(|own| own.fields.iter().map(|field| (field, own.exchanged())));
        all.map(|(Moved { field, values, reads }, whole)| (format!("{field}: {reads} instead of {values}"), whole))
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
}
