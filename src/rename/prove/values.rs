//! Rows before and after a rewrite: every column that is renamed, or stays, must hold the same values in the same rows.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;
use serde_json::Value;

use super::rows::{Becoming, Column, Tables, nothing_in};
use super::sample::{Shape, is_text};
use super::verdict::Verdict;
use crate::catalog::ObjectName;
use crate::database::Failure;
use crate::rename::rewrite::Moves;
use crate::sql::{Script, StatementKind, quote_identifier};
use crate::values::few::{self, Differing};

/// How the comparison of rows ended.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) verdict: Verdict,
    /// Rows that were compared.
    pub(super) rows: usize,
    /// Tables that had none, with the reason.
    pub(super) without: Vec<String>,
}

impl Values {
    fn not_done(why: impl Into<String>) -> Self {
        Self { verdict: Verdict::NotDone(why.into()), rows: 0, without: Vec::new() }
    }
}

/// What the rewrite moves, and the tables before and after it.
pub(super) struct Rows<'a> {
    pub(super) moves: &'a Moves,
    pub(super) before: &'a Tables,
    pub(super) after: &'a Tables,
}

/// The first words of a statement that changes rows, or may.
fn changes_rows(script: &Script) -> Option<&str> {
    let text = script.text();
    // a sequence that starts after the values that are there is the rewrite's own
    let own =
        |range: &std::ops::Range<usize>| text.get(range.clone()).is_some_and(|text| text.starts_with("SELECT setval("));
    let statement = script.statements().iter().filter(|statement| !own(&statement.range)).find(|statement| {
        matches!(
            &statement.kind,
            StatementKind::Insert { .. }
                | StatementKind::Update { .. }
                | StatementKind::Delete { .. }
                | StatementKind::Truncate { .. }
                | StatementKind::Select
                | StatementKind::Do { .. }
        ) || matches!(&statement.kind, StatementKind::Other { words } if matches!(words.as_str(), "CALL" | "MERGE" | "WITH"))
    })?;
    text.get(statement.range.clone())?.lines().next()
}

/// A table with the columns that can be compared.
struct Subject {
    from: ObjectName,
    to: ObjectName,
    /// Old name, new name.
    columns: Vec<(String, String)>,
}

impl Rows<'_> {
    /// Fills the tables concerned, runs the rewrite on them by `run`, and compares.
    pub(super) fn compare(
        &self,
        client: &mut Client,
        script: &Script,
        run: &mut dyn FnMut(&mut Client) -> Result<(), Failure>,
    ) -> Values {
        match changes_rows(script) {
            Some(words) => Values::not_done(format!("the migration changes rows by itself: {words}")),
            None => self.compare_filled(client, run).unwrap_or_else(|failure| {
                Values::not_done(format!("the scratch database could not be read: {failure}"))
            }),
        }
    }

    fn compare_filled(
        &self,
        client: &mut Client,
        run: &mut dyn FnMut(&mut Client) -> Result<(), Failure>,
    ) -> Result<Values, Failure> {
        let mut tables: BTreeSet<ObjectName> = self.moves.pairs().into_iter().map(|pair| pair.from).collect();
        for of in self.moves.enums.keys().chain(self.moves.values.keys()) {
            tables.extend(self.before.using(of).cloned());
        }
        let mut without = self.before.fill(client, &tables, self)?;
        let subjects: Vec<Subject> = tables.into_iter().map(|table| self.subject(table)).collect();
        let mut expected = Vec::new();
        for subject in &subjects {
            let rows = self.read_before(client, subject)?;
            let told = |line: &String| line.starts_with(&nothing_in(&subject.from));
            if rows.is_empty() && !without.iter().any(told) {
                without.push(format!("{}: what it references has none", nothing_in(&subject.from)));
            }
            expected.push(rows);
        }
        let rows = expected.iter().map(Vec::len).sum();
        if rows == 0 {
            return Ok(Values::not_done(without.join("; ")));
        }
        if let Err(failure) = run(client) {
            return Ok(Values { without, ..Values::not_done(format!("with rows in the tables it stops: {failure}")) });
        }
        let mut differences = Vec::new();
        for (subject, expected) in subjects.iter().zip(&expected) {
            let found = self.read_after(client, subject)?;
            differences.extend(subject.difference(expected, &found));
        }
        Ok(Values { verdict: Verdict::of(differences), rows, without })
    }

    fn name_after<'b>(&'b self, table: &ObjectName, column: &'b str) -> &'b str {
        self.moves.columns.get(table).and_then(|columns| columns.get(column)).map_or(column, String::as_str)
    }

    /// What a column has become.
    fn after(&self, table: &ObjectName, column: &str) -> Option<&Column> {
        self.after.column(&self.moves.table(table), self.name_after(table, column))
    }

    fn value_names(&self, table: &ObjectName, column: &Column) -> Option<&BTreeMap<String, String>> {
        if let Some(labels) = self.moves.labels.get(&(table.clone(), column.name.clone())) {
            return Some(labels);
        }
        let of = (!column.shape.labels.is_empty()).then_some(&column.shape.base)?;
        self.moves.values.iter().find(|(name, _)| name.name == *of).map(|(_, values)| values)
    }

    fn subject(&self, from: ObjectName) -> Subject {
        let moved = self.moves.columns.get(&from);
        let columns = self.before.columns(&from).filter_map(|column| {
            let now = self.after(&from, &column.name)?;
            let is_moved = moved.is_some_and(|moved| moved.contains_key(&column.name));
            // another number under the same name: dropped and created, as was decided
            (is_moved || now.place == column.place).then(|| (column.name.clone(), now.name.clone()))
        });
        Subject { columns: columns.collect(), to: self.moves.table(&from), from }
    }

    /// The rows as they must be afterwards: values in their new type, enums' values by their new names.
    fn read_before(&self, client: &mut Client, subject: &Subject) -> Result<Vec<Value>, Failure> {
        let mut select = Vec::new();
        let columns = subject.columns.iter().filter_map(|(from, _)| self.before.column(&subject.from, from));
        let columns: Vec<&Column> = columns.collect();
        for column in &columns {
            let quoted = quote_identifier(&column.name);
            let becomes = self.after(&subject.from, &column.name).map(|now| &now.shape);
            let converted = becomes.filter(|now| now.whole != column.shape.whole).map(|now| {
                let list = now.array && !column.shape.array;
                let value = if list { format!("ARRAY[{quoted}]") } else { quoted.clone() };
                format!("CAST({value} AS {})", now.whole)
            });
            // a type that the migration itself makes is not there yet; as text its values are the same
            let converted = converted.filter(|value| {
                client.batch_execute(&format!("SELECT {value} FROM {}", subject.from.quoted())).is_ok()
            });
            select.push(converted.unwrap_or(quoted));
        }
        let mut rows = few::read(client, &subject.from, &select)?;
        for (at, column) in columns.into_iter().enumerate() {
            let Some(values) = self.value_names(&subject.from, column) else { continue };
            for value in rows.iter_mut().filter_map(|row| row.get_mut(format!("c{at}"))) {
                rename_values(value, values);
            }
        }
        Ok(rows)
    }

    fn read_after(&self, client: &mut Client, subject: &Subject) -> Result<Vec<Value>, Failure> {
        let select: Vec<String> = subject.columns.iter().map(|(_, to)| quote_identifier(to)).collect();
        few::read(client, &subject.to, &select)
    }
}

impl Becoming for Rows<'_> {
    fn without_rows(&self, table: &ObjectName) -> Option<String> {
        let kept: BTreeSet<&str> =
            self.before.columns(table).map(|column| self.name_after(table, &column.name)).collect();
        let now = self.moves.table(table);
        let mut columns = self.after.columns(&now);
        let demands = |column: &&Column| column.not_null && !column.has_default && !kept.contains(column.name.as_str());
        columns.find(demands).map(|column| format!("the migration adds the required column {}", column.name))
    }

    fn is_full(&self, table: &ObjectName, column: &Column) -> bool {
        self.after(table, &column.name).is_some_and(|now| now.not_null)
    }

    /// Values that the type after can hold: text that it reads, labels that are still there.
    fn shape(&self, table: &ObjectName, column: &Column) -> Option<Shape> {
        let now = &self.after(table, &column.name)?.shape;
        if is_text(&column.shape) && !is_text(now) && !now.array {
            // cast to text at once: an enum of the migration's own is not there yet
            return Some(Shape { whole: "text".into(), ..now.clone() });
        }
        if now.labels.is_empty() || column.shape.labels.is_empty() {
            return None;
        }
        let names = self.value_names(table, column);
        let name = |label: &String| names.and_then(|names| names.get(label)).unwrap_or(label).clone();
        let labels = column.shape.labels.iter().filter(|label| now.labels.contains(&name(label)));
        Some(Shape { labels: labels.cloned().collect(), ..column.shape.clone() })
    }
}

impl Subject {
    fn difference(&self, expected: &[Value], found: &[Value]) -> Option<String> {
        let table = &self.to.name;
        Some(match few::difference(expected, found, self.columns.len())? {
            Differing::Rows => format!("table {table} has {} rows instead of {}", found.len(), expected.len()),
            Differing::Order => format!("the values of table {table} are in other rows than before"),
            Differing::Column(at) => match self.columns.get(at)? {
                (from, to) if from == to => format!("{table}.{to} holds other values than before"),
                (from, to) => format!("{table}.{to} holds other values than {from} did"),
            },
        })
    }
}

/// Also within arrays.
fn rename_values(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text) {
                name.clone_into(text);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename_values(value, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_column_in_another_ones_place_shows() {
        let name = |name: &str| ObjectName { schema: "public".into(), name: name.into() };
        let columns = vec![("id".to_owned(), "id".to_owned()), ("a".to_owned(), "b".to_owned())];
        let subject = Subject { from: name("T"), to: name("T"), columns };
        let rows = [json!({"c0": 1, "c1": "x"}), json!({"c0": 2, "c1": "y"})];
        assert_eq!(subject.difference(&rows, &[rows[1].clone(), rows[0].clone()]), None);
        let swapped = [json!({"c0": 1, "c1": "y"}), json!({"c0": 2, "c1": "x"})];
        assert!(subject.difference(&rows, &swapped).is_some_and(|text| text.contains("in other rows")));
        let lost = [json!({"c0": 1, "c1": null}), json!({"c0": 2, "c1": null})];
        assert_eq!(subject.difference(&rows, &lost).as_deref(), Some("T.b holds other values than a did"));
        assert!(subject.difference(&rows, &rows[..1]).is_some_and(|text| text.contains("1 rows instead of 2")));
    }

    #[test]
    fn what_changes_rows_is_seen() {
        let of = |text: &str| changes_rows(&Script::parse(text)).map(str::to_owned);
        assert_eq!(of("ALTER TABLE t RENAME a TO b;"), None);
        assert_eq!(of("ALTER TABLE t RENAME a TO b;\nUPDATE t\nSET b = 1;").as_deref(), Some("UPDATE t"));
        assert!(of("DO $$ BEGIN END $$;").is_some());
    }
}
