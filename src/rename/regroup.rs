//! A column that becomes several, or several that become one: whether what a draft drops and adds looks like that, and the command
//! that does it in phases.

use serde::Serialize;

use super::around::Around;
use super::candidate::{Candidate, Rename, object, part};
use super::columns::{self, Holds};
use super::exchange::{Exchange, holds_part};
use super::given::Given;
use super::kind::{Kind, kind};
use super::phased::{command, type_of};
use super::scene::{Pair, Scene};
use super::schema::Model;
use super::score::ASK;
use crate::catalog::{Column, ObjectName, Table};
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

/// A split or a merge that fits what is dropped and added beside a candidate: by the names, or because nothing else in the table is
/// dropped (or added) and the rename is unlikely. None where phases would refuse it.
pub(crate) fn regroup(scene: &Scene<'_>, given: &Given, around: &Around, candidate: &Candidate) -> Option<Regroup> {
    let Rename::Column { table, from, to } = &candidate.rename else { return None };
    let exchange = exchange(scene, around, table).filter(|_| from != to)?;
    let parts = Parts::new(scene, given, around, table, &exchange);
    // without a word in common, only types and places speak for a rename
    let unlikely = candidate.score < ASK || scene.likeness(from, to, &[&table.name]).score == 0.0;
    parts.split(from, unlikely).or_else(|| parts.merge(to, unlikely))
}

/// What can be done in phases with a column that a draft drops, and about which nothing is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    pub table: ObjectName,
    pub column: String,
    /// The command that drops it once no release writes it.
    pub drop: String,
    /// The command that splits or merges it, where that fits what is added.
    pub regroup: Option<Regroup>,
}

/// The columns that a draft drops and that phases take.
pub(crate) fn dropped(scene: &Scene<'_>, given: &Given, around: &Around) -> Vec<Dropped> {
    let mut found = Vec::new();
    for (table, column) in &scene.pool.dropped_columns {
        let own = Rename::Column { table: table.clone(), from: column.clone(), to: column.clone() };
        let renamed = given.renames.iter().any(|rename| rename.same_origin(&own));
        let Some(exchange) = exchange(scene, around, table).filter(|_| !renamed) else { continue };
        let (Some(known), true) = (exchange.before(column), exchange.gone.contains(column)) else { continue };
        if is_bound(exchange.old, column) || known.generated.is_some() || known.identity {
            continue;
        }
        let parts = Parts::new(scene, given, around, table, &exchange);
        let mut words = vec!["drop".to_owned(), parts.words().dropped(column)];
        if known.not_null && known.default.is_none() {
            words.extend(["--value".to_owned(), "VALUE".to_owned()]);
        }
        let merged = || {
            let into = parts.come.iter().find(|to| parts.of(to, false, true).is_some_and(|of| of.contains(column)));
            into.and_then(|to| parts.merge(to, true))
        };
        let regroup = parts.split(column, true).or_else(merged);
        found.push(Dropped { table: table.clone(), column: column.clone(), drop: command(&words), regroup });
    }
    found
}

/// What a table loses and gains, where it keeps its name.
fn exchange<'s>(scene: &'s Scene<'_>, around: &Around, table: &ObjectName) -> Option<Exchange<'s>> {
    let stays = around.tables.get(table).is_none_or(|now| now == table);
    let pair = Pair { from: table.clone(), to: table.clone() };
    Exchange::new(scene, &pair).filter(|_| stays)
}

/// The columns of a table that could be parts of one another.
struct Parts<'a> {
    scene: &'a Scene<'a>,
    around: &'a Around,
    table: &'a ObjectName,
    exchange: &'a Exchange<'a>,
    gone: Vec<String>,
    come: Vec<String>,
}

impl<'a> Parts<'a> {
    fn new(
        scene: &'a Scene<'a>,
        given: &Given,
        around: &'a Around,
        table: &'a ObjectName,
        exchange: &'a Exchange<'a>,
    ) -> Self {
        let column = |name: &String| Rename::Column { table: table.clone(), from: name.clone(), to: name.clone() };
        let gone = exchange.gone.iter().filter(|name| !given.settles(&column(name)) && !exchange.come.contains(name));
        let come = exchange.come.iter().filter(|name| !given.takes(&column(name)) && !exchange.gone.contains(name));
        let (gone, come) = (gone.cloned().collect(), come.cloned().collect());
        Self { scene, around, table, exchange, gone, come }
    }

    fn words(&self) -> Words<'a> {
        Words { scene: self.scene, exchange: self.exchange, table: self.table }
    }

    /// `from` as several; `unlikely`: that one has its place.
    fn split(&self, from: &str, unlikely: bool) -> Option<Regroup> {
        self.words().split(from, &self.of(from, true, unlikely)?)
    }

    /// Several as `to`.
    fn merge(&self, to: &str, unlikely: bool) -> Option<Regroup> {
        self.words().merge(&self.of(to, false, unlikely)?, to)
    }

    /// The parts of a column that is split or merged: by their names, or all where there is nothing else.
    fn of(&self, whole: &str, splits: bool, unlikely: bool) -> Option<Vec<String>> {
        let (all, wholes) = if splits { (&self.come, &self.gone) } else { (&self.gone, &self.come) };
        let alone = wholes.len() == 1;
        let fits = |part: &&String| if splits { self.fits(whole, part) } else { self.fits(part, whole) };
        let fitting: Vec<String> = all.iter().filter(fits).cloned().collect();
        let alike = |part: &String, whole: &str| self.same_head(whole, part) && self.is_text(whole, part, splits);
        let named = |part: &&String| {
            let other = wholes.iter().any(|other| other != whole && alike(part, other));
            holds_part(self.scene, whole, part) || alike(part, whole) && !other
        };
        let by_name: Vec<String> = fitting.iter().filter(named).cloned().collect();
        let chosen = match fitting.is_empty() {
            _ if by_name.len() > 1 => by_name,
            _ if !alone || !unlikely => return None,
            false => fitting,
            true if splits && all.iter().all(|part| self.is_read_from(whole, part)) => all.clone(),
            true => return None,
        };
        Some(chosen).filter(|chosen| (2..=MOST).contains(&chosen.len()))
    }

    fn fits(&self, one: &str, other: &str) -> bool {
        is_free(self.exchange, one)
            && columns::compare(self.scene, self.around, self.exchange, one, other).is_some_and(|compared| {
                match compared.holds {
                    Holds::Kind => true,
                    // a part may be shorter than the whole
                    Holds::Lossy(_) => same_kind(self.exchange, one, other),
                    Holds::Cast => holds_part(self.scene, one, other),
                    Holds::No => false,
                }
            })
    }

    /// The columns before and after, of a whole and its part.
    fn columns(&self, whole: &str, part: &str, splits: bool) -> Option<[&Column; 2]> {
        let (old, new) = if splits { (whole, part) } else { (part, whole) };
        let [old, new] = [self.exchange.before(old)?, self.exchange.after(new)?];
        Some(if splits { [old, new] } else { [new, old] })
    }

    fn is_text(&self, whole: &str, part: &str, splits: bool) -> bool {
        let columns = self.columns(whole, part, splits);
        columns.is_some_and(|all| all.iter().all(|column| kind(&column.data_type) == Kind::Text))
    }

    /// Whether both names end in the same word: `full_name`, `first_name`.
    fn same_head(&self, one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|name| self.scene.spelling(name).parts.words.clone());
        one.len() > 1 && other.len() > 1 && one.last() == other.last() && one.last().is_some_and(|word| word.len() > 3)
    }

    /// Whether numbers are read from a text, or texts from a document: `800x600` is a width and a height. A column with a default, or in
    /// a key, has values of its own.
    fn is_read_from(&self, whole: &str, part: &str) -> bool {
        let Some([old, new]) = self.columns(whole, part, true) else { return false };
        let sorts = [old, new].map(|column| kind(&column.data_type));
        let fits = matches!(sorts, [Kind::Text | Kind::Json, Kind::Number] | [Kind::Json, Kind::Text]);
        let arrays = old.data_type.array || new.data_type.array;
        fits && !arrays && new.default.is_none() && is_free(self.exchange, whole) && !is_bound(self.exchange.new, part)
    }
}

/// Whether phases take the column: it is in no key, under no check, in no unique index, and the database does not compute it.
fn is_free(exchange: &Exchange<'_>, name: &str) -> bool {
    let unique = exchange.old.indexes.values().any(|index| index.unique && index.involves(name));
    let computed = exchange.before(name).is_none_or(|column| column.generated.is_some() || column.identity);
    !is_bound(exchange.old, name) && !unique && !computed
}

/// Whether a column is in a key or under a check.
fn is_bound(table: &Table, name: &str) -> bool {
    table.constraints.values().any(|constraint| constraint.kind.involves(name))
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
