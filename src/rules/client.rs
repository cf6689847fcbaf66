//! What a release of the application asks the database for, through Prisma Client: as far as its schema.prisma tells.
//!
//! Prisma Client names every scalar field of a model in its SELECT and RETURNING lists unless a query says `select` or `omit`,
//! so a missing column breaks every operation that gives records back.

use crate::rename::schema::{Field, Model, Schema};
use crate::sql::DataType;

/// `song`, as code calls the model `Song`.
pub(super) fn delegate(model: &Model) -> String {
    let mut letters = model.name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Operations that give records of a model back.
pub(super) fn reading(model: &Model) -> String {
    let song = delegate(model);
    format!(
        "`{song}.findMany`, `findUnique`, `findFirst`, `create`, `update`, `upsert`, `delete`, and every `include` of it"
    )
}

/// Operations that write new records of a model.
pub(super) fn creating(model: &Model) -> String {
    format!("`{}.create`, `createMany`, `upsert`, and nested writes of it", delegate(model))
}

/// Relation fields of other models that lead to this one, as `Album.songs`.
pub(super) fn relations_to(schema: &Schema, model: &Model) -> Vec<String> {
    let others = schema.models.iter().filter(|other| other.name != model.name);
    others
        .flat_map(|other| {
            let leads = |field: &&Field| field.relation && bare(&field.kind) == model.name;
            other.fields.iter().filter(leads).map(|field| format!("{}.{}", other.name, field.name))
        })
        .collect()
}

/// The two list fields behind the table of an implicit many-to-many relation, as `Playlist.songs` and `Song.playlists`.
pub(super) fn many_to_many(schema: &Schema, table: &str) -> Option<(String, String)> {
    for model in &schema.models {
        for field in model.fields.iter().filter(|field| field.relation && field.kind.ends_with("[]")) {
            let Some(other) = schema.model(bare(&field.kind)).filter(|other| other.name >= model.name) else {
                continue;
            };
            let back = other.fields.iter().find(|back| {
                back.relation
                    && back.kind.ends_with("[]")
                    && bare(&back.kind) == model.name
                    && back.relation_name == field.relation_name
                    && !(other.name == model.name && back.name == field.name)
            });
            let Some(back) = back else { continue };
            let default = || format!("{}To{}", model.name, other.name);
            let name = field.relation_name.clone().unwrap_or_else(default);
            if table.strip_prefix('_') == Some(name.as_str()) {
                return Some((format!("{}.{}", model.name, field.name), format!("{}.{}", other.name, back.name)));
            }
        }
    }
    None
}

/// A field's type without `?` and `[]`.
pub(super) fn bare(kind: &str) -> &str {
    kind.trim_end_matches(['?', '[', ']', '!'])
}

/// Whether the field may be left out when a record is created, because the database or the client fills it.
pub(super) fn is_filled(field: &Field) -> bool {
    field.kind.ends_with('?')
        || field.kind.ends_with("[]")
        || field.attributes.contains("@default")
        || field.attributes.contains("@updatedAt")
}

/// Whether the client leaves the field's default to the database.
pub(super) fn relies_on_default(field: &Field) -> bool {
    ["autoincrement()", "dbgenerated(", "sequence("].iter().any(|function| field.attributes.contains(function))
}

/// What Prisma Client can read and write a type as; types of one family take each other's parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Family {
    Boolean,
    Number,
    Text,
    Uuid,
    Instant,
    Time,
    Json,
    Bytes,
    /// An enum, or what is not known.
    Named(String),
}

/// The family of a type, and whether it is a list.
pub(super) fn family(data_type: &DataType) -> (Family, bool) {
    let family = match data_type.name.as_str() {
        "boolean" => Family::Boolean,
        "smallint" | "integer" | "bigint" | "real" | "double precision" | "numeric" | "serial" | "bigserial"
        | "smallserial" => Family::Number,
        "text" | "character varying" | "character" | "citext" => Family::Text,
        "uuid" => Family::Uuid,
        "date" | "timestamp without time zone" | "timestamp with time zone" => Family::Instant,
        "time without time zone" | "time with time zone" => Family::Time,
        "json" | "jsonb" => Family::Json,
        "bytea" => Family::Bytes,
        other => Family::Named(other.to_owned()),
    };
    (family, data_type.array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_to_many_tables_are_found_by_their_name() {
        let schema = Schema::read(&["model Post {\n  id Int @id\n  tags Tag[]\n  liked User[] @relation(\"Likes\")\n  by User? @relation(fields: [byId], references: [id])\n  byId Int?\n}\n\
             model Tag {\n  id Int @id\n  posts Post[]\n}\n\
             model User {\n  id Int @id\n  likes Post[] @relation(\"Likes\")\n  posts Post[]\n  friends User[] @relation(\"Friends\")\n  friendOf User[] @relation(\"Friends\")\n}\n"
            .to_owned()]);
        let of = |table| many_to_many(&schema, table);
        assert_eq!(of("_PostToTag"), Some(("Post.tags".into(), "Tag.posts".into())));
        assert_eq!(of("_Likes"), Some(("Post.liked".into(), "User.likes".into())));
        assert_eq!(of("_Friends"), Some(("User.friends".into(), "User.friendOf".into())));
        assert_eq!(of("_PostToUser"), None);
        assert_eq!(of("Post"), None);
        assert_eq!(relations_to(&schema, schema.model("Tag").unwrap()), ["Post.tags"]);
    }
}
