//! How single values of a plan are read. A plan may be edited by hand: what makes no sense is refused with its line and a caret.

use std::fmt::Formatter;

use serde::Deserialize as _;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::plan::{Place, Side};
use crate::sql::{Script, StatementKind, identifier_is_cut};

/// A name of the database or of Prisma.
pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    match name.as_str() {
        "" => Err(D::Error::custom("a name is missing")),
        name if name.contains('\0') || identifier_is_cut(name) => {
            Err(D::Error::custom("PostgreSQL keeps no name of more than 63 bytes"))
        }
        _ => Ok(name),
    }
}

/// The name of a migration's directory.
pub(super) fn migration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        return Err(D::Error::custom("the name of a migration's directory is expected"));
    }
    Ok(name)
}

pub(super) fn some_migration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    migration(deserializer).map(Some)
}

pub(super) fn migrations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    match names.iter().find(|name| name.is_empty() || name.contains(['/', '\\', '\0'])) {
        Some(name) => Err(D::Error::custom(format!("{name:?} is not the name of a migration's directory"))),
        None => Ok(names),
    }
}

/// Whether a text is one expression of SQL and nothing besides.
///
/// # Errors
/// What is wrong with it.
pub fn check_expression(text: &str) -> Result<(), String> {
    let script = Script::parse(format!("SELECT (\n{text}\n)"));
    if let Some(error) = script.errors().first() {
        return Err(format!("this is not an expression of SQL: {}", error.message));
    }
    match script.statements() {
        [one] if matches!(one.kind, StatementKind::Select) && !text.trim().is_empty() => Ok(()),
        _ => Err("this is not one expression of SQL".into()),
    }
}

/// `[old]`, or `[[old]]` as often as there are columns.
pub(super) fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Side>, D::Error> {
    struct Sides;
    impl<'de> Visitor<'de> for Sides {
        type Value = Vec<Side>;

        fn expecting(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
            to.write_str("a column, or a list of columns")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut sides = Vec::new();
            while let Some(side) = list.next_element()? {
                sides.push(side);
            }
            Ok(sides)
        }

        fn visit_map<A: MapAccess<'de>>(self, one: A) -> Result<Self::Value, A::Error> {
            Side::deserialize(MapAccessDeserializer::new(one)).map(|side| vec![side])
        }
    }
    deserializer.deserialize_any(Sides)
}

fn expression<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    check_expression(&text).map_err(D::Error::custom)?;
    Ok(text)
}

pub(super) fn some_expression<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    expression(deserializer).map(Some)
}

/// A type: what `CAST(NULL AS …)` takes.
pub(super) fn expression_of_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    check_expression(&format!("CAST(NULL AS {text})")).map_err(|_| D::Error::custom("this is not a type of SQL"))?;
    Ok(text)
}

/// A migration's text.
pub(super) fn script<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let script = Script::parse(text.as_str());
    if let Some(error) = script.errors().first() {
        let line = script.position(error.range.start).line;
        return Err(D::Error::custom(format!("this SQL cannot be read, in its line {line}: {}", error.message)));
    }
    if script.statements().is_empty() {
        return Err(D::Error::custom("the contract's SQL is missing"));
    }
    Ok(text)
}

/// Where a key's line stands in a text; its start where it does not.
pub(super) fn place(text: &str, key: &str) -> Place {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start();
        if rest.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return start + (line.len() - rest.len())..start + line.trim_end().len();
        }
        start += line.len();
    }
    0..text.lines().next().unwrap_or_default().len()
}

/// An error as the reader of TOML shows it: line, caret, words.
pub(super) fn shown(text: &str, place: Place, why: &str) -> String {
    let before = text.get(..place.start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    let code = text.lines().nth(line - 1).unwrap_or_default();
    let (margin, gap) = (" ".repeat(line.to_string().len()), " ".repeat(column - 1));
    let carets = "^".repeat(text.get(place).unwrap_or_default().chars().count().max(1));
    format!(
        "TOML parse error at line {line}, column {column}\n{margin} |\n{line} | {code}\n{margin} | {gap}{carets}\n{why}"
    )
}
