//! The renames themselves, as statements in an order that works, each with the comment that keeps the decision.

use std::collections::{BTreeMap, BTreeSet};

use super::sequence::order;
use crate::catalog::{Catalog, ObjectName};
use crate::rename::joins::ends;
use crate::rename::render::object;
use crate::rename::scene::{Pair, Scene};
use crate::rename::tables::is_join;
use crate::rename::{Rename, directive};
use crate::sql::{Script, quote_identifier, quote_literal};

/// What is renamed, by kind.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    pub(crate) tables: BTreeMap<ObjectName, ObjectName>,
    /// By the table's name before; the old column to the new one.
    pub(crate) columns: BTreeMap<ObjectName, BTreeMap<String, String>>,
    pub(crate) enums: BTreeMap<ObjectName, ObjectName>,
    pub(crate) values: BTreeMap<ObjectName, BTreeMap<String, String>>,
    /// Labels that become others because a column goes to another enum; by the table's and the column's name before.
    pub(crate) labels: BTreeMap<(ObjectName, String), BTreeMap<String, String>>,
}

impl Moves {
    pub(crate) fn new(scene: &Scene<'_>, renames: &[Rename]) -> Self {
        let mut moves = Self::default();
        for rename in renames {
            match rename.clone() {
                Rename::Table { from, to, .. } => {
                    moves.tables.insert(from, to);
                }
                Rename::Enum { from, to } => {
                    moves.enums.insert(from, to);
                }
                Rename::Column { table, from, to } => {
                    moves.columns.entry(table).or_default().insert(from, to);
                }
                Rename::EnumValue { of, from, to } => {
                    moves.values.entry(of).or_default().insert(from, to);
                }
            }
        }
        // a join table's A and B change places with its models' names, also where the table's own name stays
        let renamed = renames.iter().filter_map(|rename| match rename {
            Rename::Table { from, to, join: true } => Some((from, to)),
            _ => None,
        });
        let kept = scene.before.tables.keys().filter(|name| scene.after.tables.contains_key(name));
        let kept = kept.filter(|name| is_join(scene.before.tables.get(name)) && is_join(scene.after.tables.get(name)));
        for (from, to) in renamed.chain(kept.map(|name| (name, name))) {
            if moves.flips(scene, from, to) {
                let swap = [("A", "B"), ("B", "A")].map(|(from, to)| (from.to_owned(), to.to_owned()));
                moves.columns.insert(from.clone(), BTreeMap::from(swap));
            }
        }
        moves.labels = moves.relabelled(scene);
        moves
    }

    fn relabelled(&self, scene: &Scene<'_>) -> BTreeMap<(ObjectName, String), BTreeMap<String, String>> {
        let columns = self.columns.iter().flat_map(|(table, columns)| columns.iter().map(move |pair| (table, pair)));
        let labels = columns.filter_map(|(table, (from, to))| {
            let old = scene.before.tables.get(table)?.columns.get(from)?;
            let new = scene.after.tables.get(&self.table(table))?.columns.get(to)?;
            // an enum that is renamed itself has its values renamed, if at all
            let same = self.enums.contains_key(&scene.before.type_name(&old.data_type));
            let labels = scene.relabelled(&old.data_type, &new.data_type);
            (!same && !labels.is_empty()).then(|| ((table.clone(), from.clone()), labels.into_iter().collect()))
        });
        labels.collect()
    }

    /// Whether a join table's columns A and B change places: Prisma puts its models in alphabetical order.
    fn flips(&self, scene: &Scene<'_>, from: &ObjectName, to: &ObjectName) -> bool {
        match (ends(scene.before, from), ends(&scene.after, to)) {
            (Some((a, b)), Some((c, d))) => a != b && self.table(&a) == d && self.table(&b) == c,
            _ => false,
        }
    }

    /// A table's name after the renames.
    pub(crate) fn table(&self, before: &ObjectName) -> ObjectName {
        self.tables.get(before).unwrap_or(before).clone()
    }

    /// The statements, without line breaks.
    pub(crate) fn statements(&self, scene: &Scene<'_>) -> Vec<String> {
        let mut lines = Vec::new();
        self.move_enums(scene.before, &mut lines);
        self.move_values(scene.before, &mut lines);
        self.move_tables(scene.before, &mut lines);
        self.move_columns(scene, &mut lines);
        lines
    }

    /// The catalog after the renames and before anything else: names of constraints, indexes and sequences still old.
    pub(crate) fn apply(&self, scene: &Scene<'_>) -> Catalog {
        let mut catalog = scene.before.clone();
        catalog.apply(&Script::parse(self.statements(scene).join("\n")), scene.draft.migration);
        catalog
    }

    fn move_enums(&self, catalog: &Catalog, lines: &mut Vec<String>) {
        rename_objects(catalog, "TYPE", &self.enums, catalog.enums.keys(), lines);
    }

    fn move_tables(&self, catalog: &Catalog, lines: &mut Vec<String>) {
        rename_objects(catalog, "TABLE", &self.tables, catalog.tables.keys(), lines);
    }

    fn move_values(&self, catalog: &Catalog, lines: &mut Vec<String>) {
        for (of, values) in &self.values {
            let name = object(catalog, self.enums.get(of).unwrap_or(of));
            let taken = catalog.enums.get(of).map(|values| values.iter().cloned().collect()).unwrap_or_default();
            for (from, to) in order(pairs(values), &taken) {
                lines.push(format!(
                    "ALTER TYPE {name} RENAME VALUE {} TO {};",
                    quote_literal(&from),
                    quote_literal(&to)
                ));
            }
        }
    }

    fn move_columns(&self, scene: &Scene<'_>, lines: &mut Vec<String>) {
        for (table, columns) in &self.columns {
            let name = object(scene.before, &self.table(table));
            let taken: BTreeSet<String> =
                scene.before.tables.get(table).map(|table| table.columns.keys().cloned().collect()).unwrap_or_default();
            for target in columns.values().filter(|to| taken.contains(*to) && !columns.contains_key(*to)) {
                // its own values are dropped by the draft as well; the name must be free first
                lines.push(format!("ALTER TABLE {name} DROP COLUMN {};", quote_identifier(target)));
            }
            for (from, to) in order(pairs(columns), &taken) {
                let (from, to) = (quote_identifier(&from), quote_identifier(&to));
                lines.push(format!("ALTER TABLE {name} RENAME COLUMN {from} TO {to};"));
            }
        }
    }

    /// Tables whose columns are affected: those renamed, those with renamed columns.
    pub(crate) fn pairs(&self) -> Vec<Pair> {
        let tables: BTreeSet<&ObjectName> = self.tables.keys().chain(self.columns.keys()).collect();
        tables.into_iter().map(|from| Pair { from: from.clone(), to: self.table(from) }).collect()
    }
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<(String, String)> {
    map.iter().map(|(from, to)| (from.clone(), to.clone())).collect()
}

/// Moves tables or types to their schemas, then renames them there.
fn rename_objects<'a>(
    catalog: &Catalog,
    word: &str,
    renames: &BTreeMap<ObjectName, ObjectName>,
    all: impl Iterator<Item = &'a ObjectName>,
    lines: &mut Vec<String>,
) {
    let taken: BTreeSet<ObjectName> = all.cloned().collect();
    for (from, to) in renames.iter().filter(|(from, to)| from.schema != to.schema) {
        // a name that is taken there would stand in the way until its own rename
        let (schema, from) = (quote_identifier(&to.schema), object(catalog, from));
        lines.push(format!("ALTER {word} {from} SET SCHEMA {schema};"));
    }
    let schemas: BTreeSet<&String> = renames.values().map(|to| &to.schema).collect();
    for schema in schemas {
        let here = renames.iter().filter(|(_, to)| to.schema == *schema);
        let here = here.map(|(from, to)| (from.name.clone(), to.name.clone())).collect();
        let taken = taken.iter().filter(|name| name.schema == *schema).map(|name| name.name.clone()).collect();
        for (from, to) in order(here, &taken) {
            let from = object(catalog, &ObjectName { schema: schema.clone(), name: from });
            lines.push(format!("ALTER {word} {from} RENAME TO {};", quote_identifier(&to)));
        }
    }
}

/// The comments that keep the decisions, one a rename. A column that keeps its name is none.
pub(crate) fn directives(catalog: &Catalog, renames: &[Rename]) -> Vec<String> {
    let renamed = renames.iter().filter(|rename| !matches!(rename, Rename::Column { from, to, .. } if from == to));
    renamed.map(|rename| directive::render(catalog, rename)).collect()
}
