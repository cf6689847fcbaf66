//! A light reader of schema.prisma: models, fields and enums with their names in the database, their attributes and their
//! place. It reads what evidence needs; Prisma itself has checked the file before.

pub mod edit;
pub mod lines;
mod read;

use std::path::PathBuf;

use crate::project::Migration;
use crate::tools::git;

/// What the files of one schema declare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Models (and views), in order.
    pub models: Vec<Model>,
    /// Enums, in order.
    pub enums: Vec<Enum>,
    /// `schemas` of the data source: every schema of the database that Prisma manages; empty where there is but the URL's.
    pub schemas: Vec<String>,
}

/// What the schema's files said before what is being changed: at git HEAD; and where that is what they say now, since the schema was
/// committed first, when the newest of the `earlier` migrations was committed.
pub fn before(files: &[PathBuf], earlier: &[Migration]) -> Vec<String> {
    let texts = |of: &dyn Fn(&PathBuf) -> Option<String>| files.iter().filter_map(of).collect::<Vec<_>>();
    let committed = texts(&|file| git::committed(file));
    let present = || texts(&|file| std::fs::read_to_string(file).ok());
    if committed.is_empty() || committed != present() {
        return committed;
    }
    match earlier.last().and_then(|migration| git::last_commit(&migration.path)) {
        Some(commit) => texts(&|file| git::at(&commit, file)),
        None => committed,
    }
}

/// A model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// Its name in Prisma.
    pub name: String,
    /// Its table's name: `@@map`, or the same.
    pub table: String,
    /// `@@schema`.
    pub schema: Option<String>,
    /// Fields that are columns or relations, in order.
    pub fields: Vec<Field>,
    /// The fields of each `@@index`, `@@unique` and `@@id`, in order.
    pub indexes: Vec<Vec<String>>,
}

/// A field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// Its name in Prisma.
    pub name: String,
    /// Its column's name: `@map`, or the same.
    pub column: String,
    /// Its type as written, with `?` and `[]`.
    pub kind: String,
    /// Its attributes as written, without `@map`.
    pub attributes: String,
    /// The `///` comment above it and its `//` comments beside it.
    pub comment: String,
    /// The scalar fields of `@relation(fields: […])`.
    pub relation_fields: Vec<String>,
    /// `@relation("name")`.
    pub relation_name: Option<String>,
    /// Whether it is a relation and thus no column.
    pub relation: bool,
}

/// An enum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enum {
    /// Its name in Prisma.
    pub name: String,
    /// Its type's name: `@@map`, or the same.
    pub database: String,
    /// `@@schema`.
    pub schema: Option<String>,
    /// Values as (Prisma's name, database's name).
    pub values: Vec<(String, String)>,
}

impl Schema {
    /// Reads the texts of a schema's files. Never fails: what is not understood is left out.
    pub fn read(texts: &[String]) -> Self {
        let mut schema = Self::default();
        for text in texts {
            read::read_file(text, &mut schema);
        }
        let names: Vec<String> = schema.models.iter().map(|model| model.name.clone()).collect();
        for field in schema.models.iter_mut().flat_map(|model| &mut model.fields) {
            field.relation = names.iter().any(|name| name == field.kind.trim_end_matches(['?', '[', ']', '!']));
        }
        schema
    }

    /// Reads a schema's files. Prisma has read them before: one that cannot be read any more is left out.
    pub fn of_files(files: &[PathBuf]) -> Self {
        let texts: Vec<String> = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
        Self::read(&texts)
    }

    /// The model behind a table.
    pub fn model_of_table(&self, schema: &str, table: &str) -> Option<&Model> {
        self.models
            .iter()
            .find(|model| model.table == table && model.schema.as_deref().is_none_or(|name| name == schema))
    }

    /// The model by its name in Prisma.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }
}

impl Model {
    /// The field behind a column.
    pub fn field_of_column(&self, column: &str) -> Option<&Field> {
        self.fields.iter().find(|field| !field.relation && field.column == column)
    }

    /// The field by its name in Prisma.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether an index over just these columns is declared: by the model, or by `@unique` or `@id` of the field.
    pub fn declares_index(&self, columns: &[String]) -> bool {
        let fields: Option<Vec<&Field>> = columns.iter().map(|column| self.field_of_column(column)).collect();
        fields.is_some_and(|fields| {
            let single = |field: &Field| field.attributes.contains("@unique") || field.attributes.contains("@id");
            self.indexes.iter().any(|names| names.iter().eq(fields.iter().map(|field| &field.name)))
                || matches!(fields.as_slice(), [field] if single(field))
        })
    }

    /// The relation whose scalar field this is.
    pub fn relation_through(&self, scalar: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.relation_fields.iter().any(|name| name == scalar))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
datasource db {
  provider = "postgresql"
  schemas  = ["music",
    "public"]
}
/// a song
model Song {
  id     Int    @id @default(autoincrement())
  /// who sings
  artist String @default("a // \"b\" @map") @map("artist name") // beside
  tags   String[]
  owner  User?  @relation("Owns", fields: [ownerId],
    references: [id])
  ownerId Int? @map(name: "owner_id") @db.Integer
  @@map("songs")
  @@schema("music")
  @@index([artist(ops: raw("text_ops")), ownerId(sort: Desc)], type: BTree)
  @@unique(fields: [ownerId])
}
enum Role {
  USER @map("user")
  ADMIN
  @@map("role_type")
}
"#;

    #[test]
    fn models_fields_and_enums_are_read() {
        let schema = Schema::read(&[TEXT.to_owned()]);
        let model = schema.model_of_table("music", "songs").expect("the model");
        assert_eq!(model.name, "Song");
        let artist = model.field_of_column("artist name").expect("the field");
        assert_eq!((artist.name.as_str(), artist.kind.as_str()), ("artist", "String"));
        assert_eq!(artist.attributes, r#"@default("a // \"b\" @map")"#);
        assert_eq!(artist.comment, "who sings\nbeside");
        assert_eq!(model.field("tags").map(|field| field.kind.as_str()), Some("String[]"));
        let owner = model.relation_through("ownerId").expect("the relation");
        assert_eq!(owner.relation_name.as_deref(), Some("Owns"));
        assert_eq!(model.field_of_column("owner_id").map(|field| field.attributes.as_str()), Some("@db.Integer"));
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(model.declares_index(&columns(&["artist name", "owner_id"])), "{:?}", model.indexes);
        assert!(model.declares_index(&columns(&["owner_id"])) && model.declares_index(&columns(&["id"])));
        assert!(
            !model.declares_index(&columns(&["owner_id", "artist name"])) && !model.declares_index(&columns(&["tags"]))
        );
        assert_eq!(schema.enums[0].database, "role_type");
        assert_eq!(schema.enums[0].values, [("USER".into(), "user".into()), ("ADMIN".into(), "ADMIN".into())]);
    }

    #[test]
    fn nonsense_is_read_without_a_panic() {
        for text in
            ["model", "model {", "model A {\n b", "enum E {\n @@map(\n", "model A {\n x Y @map(\"\\", "\u{feff}}{"]
        {
            Schema::read(&[text.to_owned()]);
        }
    }
}
