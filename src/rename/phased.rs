//! The same change in phases instead: the command that begins it, in the schema's own names. It starts from schema.prisma as it was.

use super::candidate::{Rename, object, part, shell};
use super::regroup::Regroup;
use super::schema::{Model, Schema, lines};
use crate::catalog::{Catalog, ObjectName};

/// What the commands below an error need.
pub const BEGINS: &str = "what goes on in phases begins with schema.prisma as it was";

/// A command of phases below an error, and one that splits or merges.
pub fn offered(command: Option<&String>, regroup: Option<&Regroup>) -> Vec<String> {
    let own = command.map(|command| format!("or, while the old release runs on: {command}"));
    let parts = regroup.map(|Regroup { what, command }| format!("or {what}, while the old release runs on: {command}"));
    own.into_iter().chain(parts).collect()
}

/// A command for a shell.
pub fn command(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| shell(word)).collect();
    format!("prisma-safe phases {}", words.join(" "))
}

/// What follows `phases` for a rename, from the schema before and after and the texts of the latter; none for what phases do not know.
pub fn words(
    catalog: &Catalog,
    rename: &Rename,
    (earlier, now): (&Schema, &Schema),
    texts: &[String],
) -> Option<Vec<String>> {
    match rename {
        Rename::Table { from, to, join: false } => table_words(catalog, (from, to), earlier, now),
        Rename::Column { table, from, to } => {
            let old = earlier.model_of_table(&table.schema, &table.name);
            let field = old.and_then(|old| old.field_of_column(from));
            let model = now.model_of_table(&table.schema, &table.name);
            let new = model.and_then(|model| model.field_of_column(to));
            let named = old.map_or_else(|| object(catalog, table), |old| part(&old.name));
            if from == to {
                let kind = model.zip(new).and_then(|(model, new)| type_of(texts, model, &new.name));
                let field = field.map_or(from, |field| &field.name);
                let kind = kind.unwrap_or_else(|| "TYPE".to_owned());
                return Some(vec!["retype".to_owned(), format!("{named}.{}", part(field)), kind]);
            }
            let own = ["rename".to_owned(), format!("{named}.{}:{}", part(from), part(to))];
            // a field that is not called like its column keeps its name
            let alone = field.map_or(to, |field| if field.name == field.column { to } else { &field.name });
            let other = new.filter(|new| new.name != *alone).map(|new| ["--field".to_owned(), new.name.clone()]);
            Some(own.into_iter().chain(other.into_iter().flatten()).collect())
        }
        _ => None,
    }
}

/// As [`words`], of a table.
pub fn table_words(
    catalog: &Catalog,
    (from, to): (&ObjectName, &ObjectName),
    before: &Schema,
    after: &Schema,
) -> Option<Vec<String>> {
    // the command takes such names apart
    if from.schema != to.schema || [from, to].iter().any(|name| name.name.contains(['.', ':', '"'])) {
        return None;
    }
    let old = before.model_of_table(&from.schema, &from.name);
    // a model that is not called like its table keeps its name
    let alone = old.map_or(&to.name, |old| if old.name == old.table { &to.name } else { &old.name });
    let model = after.model_of_table(&to.schema, &to.name).map_or(alone, |model| &model.name);
    let schema = if from.schema == catalog.default_schema { "" } else { &format!("{}.", from.schema) };
    let own = ["table".to_owned(), format!("{schema}{}:{}", from.name, to.name)];
    let named = (model != alone).then(|| ["--model".to_owned(), model.clone()]);
    Some(own.into_iter().chain(named.into_iter().flatten()).collect())
}

/// A field's type in Prisma's words.
pub(super) fn type_of(texts: &[String], model: &Model, field: &str) -> Option<String> {
    texts.iter().find_map(|text| lines::type_of(text.get(lines::field(text, &model.name, field)?)?))
}
