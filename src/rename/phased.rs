//! The same change in phases instead: the command that begins it, in the schema's own names. It starts from schema.prisma as it was.

use serde::Serialize;

use super::around::Around;
use super::candidate::{Candidate, Rename, object, part, shell};
use super::columns::{self, Holds};
use super::exchange::{Exchange, holds_part};
use super::given::Given;
use super::kind::kind;
use super::scene::{Pair, Scene};
use super::schema::{Model, Schema, lines};
use super::score::ASK;
use crate::catalog::{Catalog, Column, ObjectName};
use crate::ui::listed;

/// A column that becomes several, or several that become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Regroup {
    /// `split into first and last`.
    pub what: String,
    /// The command; a person writes an expression in each place of `EXPR`.
    pub command: String,
}

/// More columns than this are a table drawn anew, and no value in parts.
const MOST: usize = 4;

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
fn type_of(texts: &[String], model: &Model, field: &str) -> Option<String> {
    texts.iter().find_map(|text| lines::type_of(text.get(lines::field(text, &model.name, field)?)?))
}

/// A split or a merge that fits what is dropped and added beside a candidate: by the names, or because nothing else in the table is
/// dropped (or added) and the rename is unlikely. None where phases would refuse it.
pub(crate) fn regroup(scene: &Scene<'_>, given: &Given, around: &Around, candidate: &Candidate) -> Option<Regroup> {
    let Rename::Column { table, from, to } = &candidate.rename else { return None };
    let stays = around.tables.get(table).is_none_or(|now| now == table);
    let pair = Pair { from: table.clone(), to: table.clone() };
    let exchange = Exchange::new(scene, &pair).filter(|_| stays && from != to)?;
    let column = |name: &String| Rename::Column { table: table.clone(), from: name.clone(), to: name.clone() };
    let gone = exchange.gone.iter().filter(|name| !given.settles(&column(name)) && !exchange.come.contains(name));
    let come = exchange.come.iter().filter(|name| !given.takes(&column(name)) && !exchange.gone.contains(name));
    let (gone, come): (Vec<_>, Vec<_>) = (gone.cloned().collect(), come.cloned().collect());
    let named = |one: &str, other: &str| holds_part(scene, one, other);
    let fits = |one: &str, other: &str| {
        is_free(&exchange, one)
            && columns::compare(scene, around, &exchange, one, other).is_some_and(|compared| match compared.holds {
                Holds::Kind => true,
                // a part may be shorter than the whole
                Holds::Lossy(_) => same_kind(&exchange, one, other),
                Holds::Cast => named(one, other),
                Holds::No => false,
            })
    };
    // without a word in common, only types and places speak for a rename
    let unlikely = candidate.score < ASK || scene.likeness(from, to, &[&table.name]).score == 0.0;
    let group = |all: &[String], fits: &dyn Fn(&str) -> bool, named: &dyn Fn(&str) -> bool, alone: bool| {
        let fitting: Vec<String> = all.iter().filter(|name| fits(name)).cloned().collect();
        let by_name: Vec<String> = fitting.iter().filter(|name| named(name)).cloned().collect();
        let chosen = if by_name.len() > 1 { Some(by_name) } else { Some(fitting).filter(|_| alone && unlikely) };
        chosen.filter(|chosen| (2..=MOST).contains(&chosen.len()))
    };
    let words = Words { scene, exchange: &exchange, table };
    let parts = group(&come, &|part| fits(from, part), &|part| named(from, part), gone.len() == 1);
    if let Some(parts) = parts {
        return words.split(from, &parts);
    }
    words.merge(&group(&gone, &|part| fits(part, to), &|part| named(part, to), come.len() == 1)?, to)
}

/// Whether phases take the column: it is in no key, under no check, in no unique index, and the database does not compute it.
fn is_free(exchange: &Exchange<'_>, name: &str) -> bool {
    let constrained = exchange.old.constraints.values().any(|constraint| constraint.kind.involves(name));
    let unique = exchange.old.indexes.values().any(|index| index.unique && index.involves(name));
    let computed = exchange.before(name).is_none_or(|column| column.generated.is_some() || column.identity);
    !constrained && !unique && !computed
}

fn same_kind(exchange: &Exchange<'_>, from: &str, to: &str) -> bool {
    let types = exchange.before(from).zip(exchange.after(to));
    types.is_some_and(|(old, new)| kind(&old.data_type) == kind(&new.data_type))
}

/// Writes the commands.
struct Words<'a> {
    scene: &'a Scene<'a>,
    exchange: &'a Exchange<'a>,
    table: &'a ObjectName,
}

impl Words<'_> {
    fn split(&self, from: &str, parts: &[String]) -> Option<Regroup> {
        let mut words = vec!["split".to_owned(), self.dropped(from)];
        let mut fields = Vec::new();
        for part in parts {
            let (field, declared) = self.added(part, &[from.to_owned()])?;
            words.extend(["--into".to_owned(), format!("{declared}: EXPR")]);
            fields.push(field);
        }
        words.extend(["--back".to_owned(), "EXPR".to_owned()]);
        Some(Regroup { what: format!("split into {}", listed(&fields)), command: command(&words) })
    }

    fn merge(&self, parts: &[String], to: &str) -> Option<Regroup> {
        let (field, declared) = self.added(to, parts)?;
        let fields: Vec<String> = parts.iter().map(|part| self.field(part)).collect();
        let mut words = vec!["merge".to_owned()];
        words.extend(parts.iter().map(|part| self.dropped(part)));
        words.extend(["--into".to_owned(), format!("{declared}: EXPR")]);
        words.extend(fields.iter().flat_map(|field| ["--back".to_owned(), format!("{field}: EXPR")]));
        Some(Regroup { what: format!("merge {} into {field}", listed(&fields)), command: command(&words) })
    }

    fn model(&self) -> Option<&Model> {
        self.scene.head.model_of_table(&self.table.schema, &self.table.name)
    }

    /// A dropped column by its field's name, or its own.
    fn field(&self, column: &str) -> String {
        let field = self.model().and_then(|model| model.field_of_column(column));
        field.map_or_else(|| part(column), |field| part(&field.name))
    }

    fn dropped(&self, column: &str) -> String {
        let table = self.model().map_or_else(|| object(self.scene.before, self.table), |model| part(&model.name));
        format!("{table}.{}", self.field(column))
    }

    /// The field of an added column, and as it is declared beside the dropped ones: with its type where that is not the first one's.
    /// None where only Prisma would know that.
    fn added(&self, column: &str, old: &[String]) -> Option<(String, String)> {
        let hints = self.scene.draft.hints;
        let model = self.scene.work.model_of_table(&self.table.schema, &self.table.name);
        let field = model.and_then(|model| model.field_of_column(column));
        let name = field.map_or(column, |field| field.name.as_str());
        let new: &Column = self.exchange.after(column)?;
        let before: Vec<&Column> = old.iter().filter_map(|old| self.exchange.before(old)).collect();
        let was = before.first()?;
        let required = before.iter().all(|column| column.not_null);
        let written = model.zip(field).and_then(|(model, field)| type_of(&hints.schema_after, model, &field.name));
        let mut declared = name.to_owned();
        if was.data_type != new.data_type || (new.not_null && !required) {
            let written = written?;
            let (word, native) = written.split_once(' ').unwrap_or((written.as_str(), ""));
            let optional = if new.not_null { "" } else { "?" };
            declared = format!("{name} {word}{optional} {native}").trim_end().to_owned();
        } else if required && !new.not_null {
            declared.push('?');
        }
        if name != column {
            declared = format!("{declared} @map({})", serde_json::Value::String(column.to_owned()));
        }
        let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        plain.then(|| (name.to_owned(), declared))
    }
}
