//! Whether what a step changed, measured on a copy, is what it says that it changes.

use std::collections::BTreeSet;

use super::Step;
use crate::conservation::{Kind, Loss};
use crate::rename::schema::Schema;
use crate::rules::cost;
use crate::values::{Fate, TableFate};

/// What a step may change, by the database's names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared(BTreeSet<String>);

impl Declared {
    /// What its `touches` say; Prisma's names lead to the database's.
    pub fn of(step: &Step, schema: &Schema) -> Self {
        let mut names = BTreeSet::new();
        for touched in &step.touches {
            let touched = touched.trim();
            names.insert(touched.to_owned());
            let (model, field) = touched.split_once('.').map_or((touched, None), |(model, field)| (model, Some(field)));
            let Some(model) = schema.models.iter().find(|known| known.name == model || known.table == model) else {
                continue; // a name of the database already
            };
            names.insert(match field {
                None => model.table.clone(),
                Some(field) => {
                    let column = model.field(field).map_or(field, |known| &known.column);
                    format!("{}.{column}", model.table)
                }
            });
        }
        Self(names)
    }

    /// Besides these columns, which something else writes whenever their row is written.
    #[must_use]
    pub fn beside(mut self, columns: impl IntoIterator<Item = String>) -> Self {
        self.0.extend(columns);
        self
    }

    /// Whether a loss that was measured is of what it declares; a part of a table is the table's.
    pub fn covers(&self, loss: &Loss) -> bool {
        match loss.kind {
            Kind::Rows => self.0.contains(&loss.object) || loss.parents.iter().any(|table| self.0.contains(table)),
            Kind::Values => {
                self.holds(&loss.object) || loss.parents.iter().any(|table| self.holds_of(table, &loss.name))
            }
            _ => false,
        }
    }

    fn holds(&self, column: &str) -> bool {
        self.0.contains(column) || column.rsplit_once('.').is_some_and(|(table, _)| self.0.contains(table))
    }

    fn holds_of(&self, table: &str, column: &str) -> bool {
        self.holds(&format!("{table}.{column}"))
    }

    /// What it changed beyond that, a line each: rows, values, and anything of a definition. `wholes` tells the tables that one is a
    /// part of.
    pub fn beyond(&self, tables: &[TableFate], losses: &[Loss], wholes: impl Fn(&str) -> Vec<String>) -> Vec<String> {
        let mut beyond = Vec::new();
        for table in tables {
            let name = &table.table;
            let (Some(before), Some(after)) = (table.rows_before, table.rows_after) else {
                let what = if table.rows_before.is_none() { "makes" } else { "drops" };
                beyond.push(format!("{what} the table {name}"));
                continue;
            };
            let wholes = wholes(name);
            let whole = self.0.contains(name) || wholes.iter().any(|whole| self.0.contains(whole));
            let moved = [("gone", table.deleted), ("new", table.inserted)];
            let counted = moved.iter().any(|(_, rows)| rows.is_some());
            for (verb, rows) in moved {
                if let Some(rows) = rows.filter(|rows| *rows > 0 && !whole) {
                    beyond.push(format!("{name}: {} {verb}", cost::rows(rows)));
                }
            }
            if !counted && before != after && !whole {
                beyond.push(format!("{name}: {before} rows before, {after} after"));
            }
            for column in &table.columns {
                let named = format!("{name}.{}", column.column);
                let held = || self.holds(&named) || wholes.iter().any(|whole| self.holds_of(whole, &column.column));
                match &column.fate {
                    Fate::Preserved => {}
                    Fate::Changed { rows: Some(0), .. } => {}
                    Fate::Changed { rows, .. } if !held() => beyond.push(match rows {
                        Some(rows) => format!("{named} holds other values in {}", cost::rows(*rows)),
                        None => format!("{named} holds other values"),
                    }),
                    Fate::Changed { .. } => {}
                    _ => beyond.push(format!("{named} has another definition")),
                }
            }
        }
        let counted = |kind| matches!(kind, Kind::Rows | Kind::Values | Kind::Column | Kind::Table);
        beyond.extend(
            losses.iter().filter(|loss| !counted(loss.kind)).map(|loss| format!("{} {}", loss.object, loss.what)),
        );
        beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::ColumnFate;

    fn table(inserted: u64, columns: &[(&str, Fate)]) -> TableFate {
        let fate = |(column, fate): &(&str, Fate)| ColumnFate { column: (*column).into(), fate: fate.clone() };
        TableFate {
            table: "songs".into(),
            renamed_to: None,
            rows_before: Some(7),
            rows_after: Some(7 + inserted),
            deleted: Some(0),
            inserted: Some(inserted),
            within: None,
            columns: columns.iter().map(fate).collect(),
        }
    }

    #[test]
    fn what_is_not_declared_is_beyond() {
        let schema =
            Schema::read(
                &["model Song {\n id Int @id\n genre String? @map(\"kind\")\n\n @@map(\"songs\")\n}\n".into()],
            );
        let of = |touches: &[&str]| {
            let touches = touches.iter().map(|name| (*name).to_owned()).collect();
            Declared::of(&Step { touches, ..step() }, &schema)
        };
        let changed = |rows| Fate::Changed { rows: Some(rows), overwritten: Some(0) };
        let alone = |_: &str| Vec::new();
        let tables =
            [table(2, &[("kind", changed(3)), ("plays", changed(1)), ("id", Fate::Preserved), ("x", Fate::New)])];
        assert_eq!(
            of(&["Song.genre"]).beyond(&tables, &[], alone),
            ["songs: 2 rows new", "songs.plays holds other values in 1 row", "songs.x has another definition"]
        );
        assert_eq!(of(&["Song"]).beyond(&tables, &[], alone), ["songs.x has another definition"]);
        assert_eq!(
            of(&["songs.kind", "songs.plays"]).beyond(&[table(0, &[("kind", changed(3))])], &[], alone),
            [""; 0]
        );
        let part = |touched: &str| {
            let mut of_part = of(&[touched]).beyond(&tables, &[], |_| vec!["music".to_owned()]);
            of_part.truncate(2);
            of_part
        };
        assert_eq!(part("music"), ["songs.x has another definition"]);
        assert_eq!(part("music.kind"), ["songs: 2 rows new", "songs.plays holds other values in 1 row"]);
        let loss = |kind, object: &str| Loss::new(kind, object, object, "went");
        assert!(of(&["Song.genre"]).covers(&loss(Kind::Values, "songs.kind")));
        assert!(
            !of(&["Song.genre"]).covers(&loss(Kind::Rows, "songs")) && of(&["Song"]).covers(&loss(Kind::Rows, "songs"))
        );
        assert_eq!(of(&["Song"]).beyond(&[], &[loss(Kind::Trigger, "t")], alone), ["t went"]);
    }

    fn step() -> Step {
        toml::from_str("after = \"1_a\"\nrun = \"x\"\ntouches = [\"a\"]\n").unwrap()
    }
}
